"""Write a sample scene with everything needed to process it, and read it back."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rtcflow_local.sample.acquisition import SimulatedAcquisition, plan_acquisition
from rtcflow_local.sample.copernicus_tiles import tiles_around, write_geoid, write_tiles
from rtcflow_local.sample.eof import write_orbit
from rtcflow_local.sample.reflectors import place_targets
from rtcflow_local.sample.rema_tiles import write_rema
from rtcflow_local.sample.safe.product import WrittenSafe, write_safe
from rtcflow_local.sample.sensor import SAMPLE_VERSION
from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.truth import outline, write_truth
from rtcflow_local.sample.world import build_world

Progress = Callable[[str, float], None]

_SAMPLE_NAME = "sample.json"
# A burst's grid has a margin, terrain beyond it is imaged in it, and static layers reach 1.2 s of flight further.
_DEM_MARGIN_M = 22_000.0


@dataclass(frozen=True)
class Sample:
    """A written sample scene.

    Attributes
    ----------
    folder : Path
        Folder of the sample.
    scene : str
        Scene id.
    safe, orbit, dem, geoid : Path
        SAFE folder, orbit file, folder of DEM tiles, geoid raster.
    truth, land_cover : Path
        truth.json and the land cover raster.
    bursts : dict
        Burst ids by sub-swath, in order of time.
    tiles : tuple of str
        Names of the DEM tiles; none over sea.
    polarizations : tuple of str
        Co-polarized first.
    track : int
        Relative orbit number.
    parameters : dict
        The spec.
    """

    folder: Path
    scene: str
    safe: Path
    orbit: Path
    dem: Path
    geoid: Path
    truth: Path
    land_cover: Path
    bursts: dict[str, tuple[str, ...]]
    tiles: tuple[str, ...]
    polarizations: tuple[str, ...]
    track: int
    parameters: dict[str, Any]

    @property
    def burst_ids(self) -> tuple[str, ...]:
        """All burst ids."""
        return tuple(burst_id for ids in self.bursts.values() for burst_id in ids)


_PATHS = ("safe", "orbit", "dem", "geoid", "truth", "land_cover")


def write_sample(folder: Path, spec: SampleSpec | None = None, progress: Progress | None = None) -> Sample:
    """Write a sample scene into a folder; the same spec gives the same bytes.

    Parameters
    ----------
    folder : Path
        Created if missing. Gets `<scene>.SAFE`, `orbits/`, `dem/`, `geoid/`, `truth/` and `sample.json`; south of 60 S,
        `dem/` also has REMA at 32 m.
    spec : SampleSpec, optional
        The default scene if not given.
    progress : callable, optional
        Called with a stage's name and its progress from 0 to 1.
    """
    spec = spec or SampleSpec()
    report = progress or (lambda stage, done: None)
    folder.mkdir(parents=True, exist_ok=True)
    report("plan acquisition", 0.0)
    acquisition = plan_acquisition(spec)
    world = build_world(acquisition)
    targets = place_targets(acquisition, world)
    report("plan acquisition", 1.0)
    report("write orbit, DEM and geoid", 0.0)
    orbit = write_orbit(acquisition, folder / "orbits")
    geoid = write_geoid(folder / "geoid")
    around = list(outline(acquisition))
    tiles = write_tiles(world, tiles_around(around, _DEM_MARGIN_M), folder / "dem")
    write_rema(world, around, _DEM_MARGIN_M, folder / "dem")
    report("write orbit, DEM and geoid", 1.0)
    report("write SAFE", 0.0)
    written = write_safe(acquisition, world, targets, folder, lambda done: report("write SAFE", done))
    report("write truth", 0.0)
    land_cover, truth = write_truth(acquisition, world, targets, written.counts, folder / "truth")
    paths = {"orbit": orbit, "dem": folder / "dem", "geoid": geoid, "truth": truth, "land_cover": land_cover}
    sample = _sample(acquisition, written, folder, paths, tuple(tiles))
    (folder / _SAMPLE_NAME).write_text(_as_json(sample))
    report("write truth", 1.0)
    return sample


def read_sample(folder: Path) -> Sample:
    """Read the sample scene in a folder, from its sample.json."""
    held = json.loads((folder / _SAMPLE_NAME).read_text())
    held.pop("sample_version")
    held |= {name: folder / held[name] for name in _PATHS}
    held |= {name: tuple(held[name]) for name in ("tiles", "polarizations")}
    held["bursts"] = {swath: tuple(ids) for swath, ids in held["bursts"].items()}
    return Sample(folder=folder, **held)


def _sample(
    acquisition: SimulatedAcquisition,
    written: WrittenSafe,
    folder: Path,
    paths: dict[str, Path],
    tiles: tuple[str, ...],
) -> Sample:
    return Sample(
        folder=folder,
        scene=written.scene,
        safe=written.path,
        bursts={swath.name: tuple(burst.burst_id for burst in swath.bursts) for swath in acquisition.swaths},
        tiles=tiles,
        polarizations=acquisition.spec.polarizations,
        track=acquisition.track,
        parameters=json.loads(json.dumps(asdict(acquisition.spec), default=str)),
        **paths,
    )


def _as_json(sample: Sample) -> str:
    held = {name: value for name, value in asdict(sample).items() if name != "folder"}
    held |= {name: held[name].relative_to(sample.folder).as_posix() for name in _PATHS}
    return json.dumps({"sample_version": SAMPLE_VERSION, **held}, indent=2) + "\n"
