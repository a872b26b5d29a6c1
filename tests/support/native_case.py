"""A burst of a sample scene, processed by the native engine, with what went into it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from rtcflow.native.burst_grid import burst_grid
from rtcflow.native.engine import ComputedLayers, NativeOptions, compute_layers
from rtcflow.resources import Meter
from rtcflow.sentinel1.burst_metadata import Burst, BurstFiles, read_burst
from rtcflow.sources.dem.dem_source import fetch_dem
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import LAYERS, Product
from rtcflow_local.sample import Sample
from rtcflow_local.sample.expected import land_cover_on, near_targets

ALL_LAYERS = tuple(name for name in LAYERS if name not in ("HH", "HV", "VV", "VH"))


@dataclass(frozen=True)
class BurstCase:
    """One burst of a sample: its files, grid and DEM."""

    sample: Sample
    burst_id: str
    work: Path
    spacing: float = 20.0

    @cached_property
    def files(self) -> dict[str, BurstFiles]:
        swath = self.burst_id[-3:]
        found = {}
        for polarization in self.sample.polarizations:
            pattern = f"s1?-{swath}-slc-{polarization.lower()}-*.xml"
            (annotation,) = (self.sample.safe / "annotation").glob(pattern)
            beside = annotation.parent / "calibration"
            found[polarization] = BurstFiles(
                annotation,
                beside / f"calibration-{annotation.name}",
                beside / f"noise-{annotation.name}",
                self.sample.safe / "measurement" / annotation.with_suffix(".tiff").name,
            )
        return found

    @cached_property
    def burst(self) -> Burst:
        """The burst in the first polarization."""
        return read_burst(self.files[self.sample.polarizations[0]].annotation, self.burst_id)

    @cached_property
    def grid(self) -> Grid:
        first = self.files[self.sample.polarizations[0]]
        return burst_grid(first, self.burst_id, self.sample.orbit, self.spacing)

    @cached_property
    def dem(self) -> Path:
        fetched = fetch_dem(
            str(self.sample.dem),
            str(self.sample.geoid),
            "cop_glo30",
            self.grid,
            self.work,
            Meter(),
            lambda stage, done: None,
        )
        return fetched.path

    def compute(self, product: Product = Product.RTC_S1, **choices) -> ComputedLayers:
        choices.setdefault("layers", ALL_LAYERS)
        grid, orbit = choices.pop("grid", self.grid), choices.pop("orbit", self.sample.orbit)
        dem = choices.pop("dem", None) or self.dem
        return compute_layers(self.files, self.burst_id, orbit, dem, grid, product, NativeOptions(**choices))

    def land_cover(self) -> np.ndarray:
        """Land cover classes on the grid, 255 where unknown."""
        return land_cover_on(self.sample, self.grid)

    def near_targets(self, pixels: int) -> np.ndarray:
        """Pixels beside a point target, which outshines its surroundings."""
        return near_targets(self.sample, self.grid, pixels)
