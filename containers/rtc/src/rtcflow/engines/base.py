"""The engine interface: fetched inputs in, the files of a burst product out; and what every engine reports alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_source import FetchedDem
from rtcflow.sources.orbit.orbit_source import FetchedOrbit
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow.sources.scene.source_data import SourceData
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Acquisition, Quality


class EngineInputs(NamedTuple):
    """All inputs of a burst, on this machine.

    `notes` are sentences on unusual inputs, `facts` go into the manifest's parameters.
    """

    scene: FetchedScene
    orbit: FetchedOrbit
    dem: FetchedDem
    acquisition: Acquisition
    source: SourceData
    quality: Quality | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = MappingProxyType({})


# Engines' name of the method of Shiroma et al. (2022), for geocoding and for radiometric terrain correction.
AREA_PROJECTION = "area projection"
# Real orbits are fitted to well below this.
_SMOOTH_M = 0.005
# Effect of a step of 2 to 3 cm, depending on its place; native fits one curve, isce3 interpolates between vectors.
_EFFECT = {"native": "0.02 to 0.04", "isce3": "0.006 to 0.18"}


@dataclass(frozen=True, kw_only=True)
class Processing:
    """How an engine processed a burst: fields common to all engines, and `more` for its own.

    `dem_interpolation`, `geocoding` and `radiometric_terrain_correction` are names of methods; the others say whether a
    correction was applied.
    """

    bistatic_delay_correction: bool
    static_tropospheric_delay_correction: bool
    thermal_noise_removal: bool
    dem_interpolation: str
    geocoding: str
    radiometric_terrain_correction: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self) -> dict[str, Any]:
        """All fields as parameters of the manifest."""
        common = {name: value for name, value in vars(self).items() if name != "more"}
        return {**common, **self.more}


class EngineResult(NamedTuple):
    """What an engine reports on the files it wrote.

    Attributes
    ----------
    versions : dict of str to str
        Of the software that computed.
    parameters : dict
        Of the processing, as the manifest has them.
    compiled : str or None
        State of the compiled code, for an engine that compiles.
    notes : tuple of str
        Sentences for the user.
    """

    versions: dict[str, str]
    parameters: dict[str, Any]
    compiled: str | None = None
    notes: tuple[str, ...] = ()


# Writes every layer, the browse image and the metadata of a job's product into its folder.
WriteFiles = Callable[[], EngineResult]


class BurstEngine(Protocol):
    """Makes the files of a burst product, named by the contract, in a folder."""

    @property
    def name(self) -> Literal["native", "isce3"]:
        """Name of the engine, as in the scene request."""

    def available(self) -> bool:
        """Whether this installation can run it."""

    def compute(
        self,
        job: BurstJob,
        inputs: EngineInputs,
        grid: Grid,
        folder: Path,
        meter: Meter,
        progress: Progress,
    ) -> WriteFiles:
        """Compute the layers; returns the function that writes them, so that another burst can compute meanwhile."""


def fill_record(filled: Mapping[str, float]) -> dict[str, float]:
    """Percentages for the manifest, of the filled shares (0 to 1) of the valid samples by polarization."""
    return {name: round(100 * share, 3) for name, share in filled.items()}


def fill_notes(filled: Mapping[str, float]) -> tuple[str, ...]:
    """Sentences for the user on the filled shares (0 to 1) of the valid samples by polarization."""
    return tuple(
        f"{name}: {100 * share:.2g} % of the samples were filled with zeros where nothing was received; no data there"
        for name, share in filled.items()
        if share > 0
    )


def orbit_fit_record(residual_m: float, engine: Literal["native", "isce3"]) -> dict[str, object]:
    """Parameters on how smooth the orbit is, with a note on the effect if the residual is above 5 mm."""
    record: dict[str, object] = {"orbit_fit_residual_m": round(residual_m, 4)}
    if residual_m > _SMOOTH_M:
        record["orbit_fit_note"] = (
            f"state vectors lie up to {100 * residual_m:.1f} cm from a smooth orbit; a step of 3 cm changes "
            f"backscatter by {_EFFECT[engine]} dB at the 99th percentile with engine {engine}"
        )
    return record
