"""Later passes of a sample scene: the same files with times a repeat cycle later, so that they cost no simulation."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rtcflow_local.sample import Sample

CYCLE = timedelta(days=12)
_ORBITS_OF_A_CYCLE = 175
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
_NAMED = re.compile(r"(?<!\d)\d{8}[Tt]\d{6}")


def repeat_pass(sample: Sample, cycles: int, folder: Path) -> Sample:
    """The sample's pass again, some cycles of twelve days later; DEM and geoid stay where they are.

    In the earth's frame the orbit repeats itself. Pixels are hard links.

    Parameters
    ----------
    sample : Sample
    cycles : int
    folder : Path
        To write the SAFE and the orbit file into.
    """
    orbit = int(sample.scene.split("_")[-3])
    later_orbit = orbit + cycles * _ORBITS_OF_A_CYCLE

    def later(text: str) -> str:
        text = _WRITTEN.sub(lambda found: _shifted(found[0], "%Y-%m-%dT%H:%M:%S", cycles), text)
        text = _NAMED.sub(
            lambda found: _shifted(found[0].upper(), "%Y%m%dT%H%M%S", cycles).replace(
                "T", "t" if "t" in found[0] else "T"
            ),
            text,
        )
        text = text.replace(f"{orbit:06d}", f"{later_orbit:06d}")
        return re.sub(rf"(?<!\d){orbit}(?!\d)", str(later_orbit), text)

    # Every product of the archive has digits of its own at its end.
    scene = later(sample.scene)[:-4] + f"{(int(sample.scene[-4:], 16) + cycles) % 65536:04X}"
    safe = folder / f"{scene}.SAFE"
    for path in sorted(sample.safe.rglob("*")):
        if path.is_dir():
            continue
        at = safe / later(path.relative_to(sample.safe).as_posix())
        at.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".xml", ".safe"):
            at.write_text(later(path.read_text()))
        else:
            os.link(path, at)
    written = folder / later(sample.orbit.name)
    written.write_text(later(sample.orbit.read_text()))
    return replace(sample, folder=folder, scene=scene, safe=safe, orbit=written)


def _shifted(text: str, form: str, cycles: int) -> str:
    return (datetime.strptime(text, form).replace(tzinfo=UTC) + cycles * CYCLE).strftime(form)


__all__ = ["CYCLE", "repeat_pass"]
