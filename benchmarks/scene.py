"""The burst that benchmarks run on: one of full size out of a simulated scene, kept between runs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from rtcflow_local.sample import SampleSpec, read_sample, write_sample


@dataclass(frozen=True)
class BenchBurst:
    """A burst and where its inputs are; paths as text, so that it passes to a process as JSON."""

    safe: str
    burst_id: str
    orbit: str
    dem: str
    geoid: str
    lines: int
    samples: int

    def to_json(self) -> str:
        """As one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "BenchBurst":
        """Inverse of `to_json`."""
        return cls(**json.loads(text))


def bench_burst(folder: Path, lines: int | None = None) -> BenchBurst:
    """Write the scene on the first call (a minute or two), and read it on others; `lines` None is full size."""
    if not (folder / "sample.json").is_file():
        write_sample(folder, SampleSpec.full(swaths=("iw2",), bursts=1, lines=lines))
    sample = read_sample(folder)
    annotation = next((sample.safe / "annotation").glob("s1?-iw2-slc-vv-*.xml")).read_text()

    def number(tag: str) -> int:
        return int(annotation.split(f"<{tag}>")[1].split("<")[0])

    return BenchBurst(
        safe=str(sample.safe),
        burst_id=sample.bursts["iw2"][0],
        orbit=str(sample.orbit),
        dem=str(sample.dem),
        geoid=str(sample.geoid),
        lines=number("linesPerBurst"),
        samples=number("samplesPerBurst"),
    )
