"""One burst from digital numbers to map layers.

The image is worked off in bands of radar lines. A band holds the area factors and the backscatter of its lines and a
few more on each side, and geocodes the map pixels centred on its lines; no raster of the whole radar image is ever
made. Bands are the same for any number of threads and write to different pixels, so results do not depend on threads.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtcflow.native.angles import ANGLES, angle_layers
from rtcflow.native.bands import Band, BandInputs, Outputs, spare_sums, work_off
from rtcflow.native.fill import filled_share, find_fill, refuse_empty
from rtcflow.native.height_spline import read_dem, spline_table
from rtcflow.native.image import RadarGrid, radar_grid, valid_samples
from rtcflow.native.lattice import Lattice, X, lattice_lonlat, make_lattice
from rtcflow.native.options import STATIC_MASK_LOOKS, NativeOptions
from rtcflow.native.points import local_orbit
from rtcflow.native.profiles import line_tracks
from rtcflow.native.tides import tide_displacement
from rtcflow.sentinel1.burst_metadata import Burst, BurstFiles, read_burst, refuse_without_iw2
from rtcflow.sentinel1.measurement import open_burst_pixels
from rtcflow.sentinel1.orbit import OrbitPolynomial, StateVectors, fit_orbit, read_orbit
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow.threads import Pool
from rtcflow_contract.backscatter import Backscatter
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_safe.annotation import SPEED_OF_LIGHT

Progress = Callable[[str, float], None]

BAND_LINES = 96
# Sampling of the terrain profiles for layover and shadow, finer than any posting of the DEM.
_PROFILE_STEP_M = 5.0


@dataclass(frozen=True)
class ComputedLayers:
    """Map layers by name, (rows, cols) float32 with NaN or uint8 with 255 where invalid, and how they were made.

    Attributes
    ----------
    arrays : dict of str to array
    vectors : StateVectors
        Of the orbit file, around the burst.
    orbit_residual_m : float
        Largest distance of a state vector from the fitted orbit.
    filled : dict of str to float
        Share of the valid samples that were zeros where nothing was received, by polarization.
    stage_seconds : dict of str to float
        Those of bands are summed over threads.
    """

    arrays: dict[str, NDArray[Any]]
    vectors: StateVectors
    orbit_residual_m: float
    filled: dict[str, float]
    stage_seconds: dict[str, float]


@dataclass
class Stopwatch:
    """Seconds by stage; those of bands are summed over threads."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        """Book the time since the last call to a stage."""
        now = time.perf_counter()
        self.add(stage, now - self._since)
        self._since = now

    def add(self, stage: str, seconds: float) -> None:
        """Book seconds to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


@dataclass(frozen=True)
class _Scene:
    """A burst ready to be worked off."""

    bursts: dict[str, Burst]
    vectors: StateVectors
    orbit: OrbitPolynomial
    grid: RadarGrid

    @property
    def burst(self) -> Burst:
        """The burst in its first polarization."""
        return next(iter(self.bursts.values()))


def compute_layers(
    files: Mapping[str, BurstFiles],
    burst_id: str,
    orbit: Path,
    dem: Path,
    grid: Grid,
    product: Product,
    options: NativeOptions | None = None,
    progress: Progress | None = None,
) -> ComputedLayers:
    """Compute the layers of a burst product.

    Parameters
    ----------
    files : mapping of str to BurstFiles
        By polarization. Static layers need one polarization, and not its measurement.
    burst_id : str
    orbit : Path
        Orbit file (EOF).
    dem : Path
        Heights above the WGS 84 ellipsoid in metres, EPSG:4326; longitudes may go beyond 180.
    grid : Grid
    product : Product
    options : NativeOptions, optional
    progress : callable, optional
        Called with the stage and how much of it is done, 0 to 1.

    Raises
    ------
    RefusedError
        When an input cannot be read or does not cover the burst.
    """
    options = options or NativeOptions()
    report = progress or (lambda stage, fraction: None)
    watch = Stopwatch()
    scene = _open_scene(files, burst_id, orbit, product)
    if options.corrections(product)[0]:
        refuse_without_iw2(scene.burst)
    report("read", 0.0)
    lonlat = lattice_lonlat(grid)
    if not (np.isfinite(lonlat[0]).all() and np.isfinite(lonlat[1]).all()):
        raise RefusedError(
            f"the grid's bounds {grid.bounds} lie outside of EPSG:{grid.epsg}; give another grid", "grid"
        )
    terrain = read_dem(dem, lonlat[0], lonlat[1])
    height = _mean_height(terrain.heights)
    lattice = make_lattice(grid, lonlat, terrain, scene.orbit, height)
    _refuse_far_grid(lattice, scene, height, grid)
    half_window = max(abs(scene.grid.first_time_s), abs(scene.grid.last_time_s)) + 1.0
    polynomials = local_orbit(scene.orbit.coefficients, half_window)
    secondary = options.secondary_layers(product)
    on_ellipsoid = options.backscatter is Backscatter.SIGMA0_ELLIPSOID and product is Product.RTC_S1
    polarizations = list(scene.bursts) if product is Product.RTC_S1 else []
    computed = secondary | {"incidence_angle"} if on_ellipsoid else secondary
    outputs = Outputs.empty(grid, len(polarizations), computed)
    valid = valid_samples(scene.burst, product, scene.grid)
    pixels = [open_burst_pixels(files[p], scene.bursts[p]) for p in polarizations]
    fills = [find_fill(image, valid) for image in pixels]
    filled = {p: filled_share(runs, valid) for p, runs in zip(polarizations, fills, strict=True)}
    refuse_empty(filled, scene.burst.burst_id)
    with_sigma = outputs.sigma.size > 0 or options.backscatter is Backscatter.SIGMA0
    inputs = BandInputs(
        lattice=lattice,
        grid=grid,
        heights=terrain.heights,
        table=spline_table(),
        orbit=polynomials,
        radar=scene.grid,
        timing=_timing(scene, product, options, lattice),
        valid=valid,
        height=height,
        options=options,
        pixels=pixels,
        fills=fills,
        calibrations=[1.0 / read_beta0(files[p].calibration, scene.bursts[p]) ** 2 for p in polarizations],
        noises=[
            read_noise(files[p].noise, scene.bursts[p]) if options.noise_removal else None
            for p in polarizations
        ],
        tracks=_tracks(scene, height, grid),
        ground_step=_PROFILE_STEP_M,
        mask_looks=STATIC_MASK_LOOKS if product is Product.RTC_S1_STATIC else 1,
        sums=spare_sums(BAND_LINES, scene.grid, grid, with_sigma),
    )
    watch.lap("read")
    report("read", 1.0)
    bands = [
        Band(first, min(first + BAND_LINES, scene.grid.lines))
        for first in range(0, scene.grid.lines, BAND_LINES)
    ]
    with Pool(options.threads) as pool:
        for done, stages in enumerate(pool.map(lambda band: work_off(band, inputs, outputs), bands), 1):
            report("bands", done / len(bands))
            for stage, seconds in stages.items():
                watch.add(stage, seconds)
        watch.lap("bands")
        angles = angle_layers(pool, inputs, computed)
        watch.lap("angles")
    report("angles", 1.0)
    if on_ellipsoid:
        # sigma0 = beta0 sin(incidence).
        outputs.backscatter[:] *= np.sin(np.radians(angles["incidence_angle"]))
    arrays = outputs.by_name(polarizations) | {name: angles[name] for name in ANGLES if name in secondary}
    return ComputedLayers(arrays, scene.vectors, scene.orbit.residual_m, filled, dict(watch.seconds))


def _open_scene(files: Mapping[str, BurstFiles], burst_id: str, orbit: Path, product: Product) -> _Scene:
    if not files:
        raise RefusedError("no polarization was given; give the files of at least one", "polarization")
    used = dict(files) if product is Product.RTC_S1 else dict(list(files.items())[:1])
    bursts = {polarization: read_burst(f.annotation, burst_id) for polarization, f in used.items()}
    burst = next(iter(bursts.values()))
    for polarization, other in bursts.items():
        if _raster(other) != _raster(burst):
            raise RefusedError(
                f"the annotation gives burst {burst_id} another raster in {polarization} than in {burst.polarization}; "
                "fetch the scene again",
                "annotation",
            )
    radar = radar_grid(burst, product)
    middle = burst.sensing_start + timedelta(seconds=0.5 * (burst.lines - 1) * burst.azimuth_interval_s)
    vectors = read_orbit(orbit, middle)
    return _Scene(bursts, vectors, fit_orbit(vectors, radar.first_time_s, radar.last_time_s), radar)


def _raster(burst: Burst) -> tuple[object, ...]:
    return (
        burst.lines,
        burst.samples,
        burst.starting_range_m,
        burst.range_spacing_m,
        burst.azimuth_interval_s,
    )


def _mean_height(heights: NDArray[np.float32]) -> float:
    mean = float(np.nanmean(heights[::7, ::7])) if np.isfinite(heights).any() else 0.0
    return mean if np.isfinite(mean) else 0.0


def _refuse_far_grid(lattice: Lattice, scene: _Scene, height: float, grid: Grid) -> None:
    times = lattice.nodes[..., 8] + height * lattice.nodes[..., 9]
    if times.min() > scene.grid.last_time_s or times.max() < scene.grid.first_time_s:
        raise RefusedError(
            f"the grid (EPSG:{grid.epsg}, bounds {grid.bounds}) does not meet burst {scene.burst.burst_id}; "
            "give a grid over the burst's footprint",
            "grid",
        )


def _timing(scene: _Scene, product: Product, options: NativeOptions, lattice: Lattice) -> NDArray[np.float64]:
    burst = scene.burst
    bistatic, troposphere = options.corrections(product)
    constant = burst.iw2_mid_range_m / SPEED_OF_LIGHT - burst.rank / burst.prf_hz
    tide = np.zeros(3)
    if options.tide_correction:
        # Over a burst the tide changes by millimetres: that of its middle serves all of it.
        rows, cols = lattice.nodes.shape[:2]
        tide = tide_displacement(lattice.nodes[rows // 2, cols // 2, X : X + 3], scene.orbit.epoch)
    return np.array([float(bistatic), constant, float(troposphere), *tide])


def _tracks(scene: _Scene, height: float, grid: Grid) -> NDArray[np.float64]:
    """Ground tracks of all lines, (lines, nodes, 3): computed for one line in eight, linear between."""
    radar = scene.grid
    chosen = np.unique(np.append(np.arange(0, radar.lines, 8), radar.lines - 1))
    times = radar.first_time_s + chosen * radar.interval_s
    tracks = line_tracks(scene.orbit, times, radar.first_range_m, radar.last_range_m, height, grid, 4000.0)
    at = np.arange(radar.lines)
    upper = np.clip(np.searchsorted(chosen, at, side="right"), 1, len(chosen) - 1)
    if not np.isfinite(tracks).all():
        raise RefusedError(
            f"the orbit file {scene.vectors.name} does not fit burst {scene.burst.burst_id}: lines of its image "
            "meet no ground; give the orbit file of the scene",
            "orbit",
        )
    share = ((at - chosen[upper - 1]) / (chosen[upper] - chosen[upper - 1]))[:, None, None]
    return (1 - share) * tracks[upper - 1] + share * tracks[upper]
