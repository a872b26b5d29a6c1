"""The engine interface: fetched inputs in, the files of a burst product out."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from rtcflow.progress import Progress
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_source import FetchedDem
from rtcflow.sources.orbit.orbit_source import FetchedOrbit
from rtcflow.sources.scene.acquisition import SourceData
from rtcflow.sources.scene.safe_burst import FetchedScene
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Acquisition, Quality


class EngineInputs(NamedTuple):
    """All inputs of a burst, on this machine.

    `notes` are sentences on what is unusual about them, `facts` what is kept of them in the manifest's parameters.
    """

    scene: FetchedScene
    orbit: FetchedOrbit
    dem: FetchedDem
    acquisition: Acquisition
    source: SourceData
    quality: Quality | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = MappingProxyType({})


class EngineResult(NamedTuple):
    """What an engine says about the files it wrote: versions of the software, and parameters of the processing.

    `compiled` is the state of the code whose compiled form computed, of an engine that compiles; `notes` are for the
    user.
    """

    versions: dict[str, str]
    parameters: dict[str, Any]
    compiled: str | None = None
    notes: tuple[str, ...] = ()


# Writes every layer, the browse image and the metadata of a job's product into its folder.
WriteFiles = Callable[[], EngineResult]


class Engine(Protocol):
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
        """Compute the layers; gives the function that writes them, so that meanwhile another burst can compute."""
