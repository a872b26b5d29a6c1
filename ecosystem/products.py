"""The products that are tried: two passes of two neighbouring bursts with static layers, in both schemes of names."""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

BURSTS = ("t147_314884_iw1", "t147_314885_iw1")
_DAYS = ("2023-03-02", "2023-03-14")


class Place(NamedTuple):
    """Folders of products (`rtcflow burst --out`), and of an inventory over them."""

    opera: Path
    opera_static: Path
    ga: Path
    ga_static: Path
    inventory: Path
    docs: Path
    shared: Path | None

    @property
    def items(self) -> list[Path]:
        """Items of backscatter, by pass and burst."""
        return sorted(self.opera.glob("t*/*/*/*/metadata.json"))


def make_products(rtcflow: str, folder: Path, docs: Path) -> Place:
    """Make what is not there; `rtcflow` is the program."""
    here = Place(
        *(folder / name for name in ("opera", "opera_static", "ga", "ga_static", "inventory")),
        docs=docs,
        shared=Path(os.environ["RTCFLOW_SHARED"]) if os.environ.get("RTCFLOW_SHARED") else None,
    )
    for day in _DAYS:
        sample = folder / f"sample-{day}"
        if not (sample / "sample.json").is_file():
            _run(rtcflow, "sample", sample, "--size", "tiny", "--day", day)
        first = day == _DAYS[0]
        runs = [
            (here.opera_static, ["--product", "RTC_S1_STATIC"], first),
            (here.ga_static, ["--product", "RTC_S1_STATIC", "--naming", "ga"], first),
            (here.opera, ["--static", here.opera_static], True),
            (here.ga, ["--static", here.ga_static, "--naming", "ga"], first),
        ]
        for out, options, wanted in runs:
            if wanted:
                _run(rtcflow, "burst", *_inputs(sample), "--out", out, *options)
    if not here.inventory.is_dir():
        _run(rtcflow, "inventory", "build", here.opera, "--inventory", here.inventory)
    return here


def _inputs(sample: Path) -> list[object]:
    return [
        "--safe",
        next(sample.glob("*.SAFE")),
        "--orbit",
        sample / "orbits",
        "--dem",
        sample / "dem",
        "--geoid",
        next((sample / "geoid").glob("*.tif")),
        *(word for burst in BURSTS for word in ("--burst-id", burst)),
    ]


def _run(*words: object) -> None:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words[:3]))} failed: {(done.stdout + done.stderr).strip()}")
