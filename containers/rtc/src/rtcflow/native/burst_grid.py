"""A burst's footprint on the ellipsoid, and the map grid that holds it."""

import math
from datetime import timedelta
from pathlib import Path

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from rtcflow.native.profiles import ecef_to_lonlat, rdr2geo
from rtcflow.sentinel1.burst_metadata import Burst, BurstFiles, read_burst
from rtcflow.sentinel1.orbit import OrbitPolynomial, fit_orbit, read_orbit
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_safe.annotation import read_annotation

Ring = list[tuple[float, float]]

_POINTS_A_SIDE = 25
# Edges differ between passes by some hundred metres, and by more where relief exceeds the annotated heights.
_MARGIN_M = 3000.0
# A CRS can be used somewhat beyond the area that it is registered for, as one of a neighbouring UTM zone.
_BEYOND_AREA_DEG = 10.0
_NORTH_POLAR, _SOUTH_POLAR = 75.0, -60.0


def _burst_footprint(files: BurstFiles, burst_id: str, orbit: Path, height: float = 0.0) -> Ring:
    """Outline of the burst's valid samples at a height above the ellipsoid.

    Parameters
    ----------
    files : BurstFiles
        Of one polarization; only the annotation is read.
    burst_id : str
    orbit : Path
        Orbit file (EOF).
    height : float
        Metres.

    Returns
    -------
    list of (lon, lat)
        Closed ring in degrees, 25 points a side; longitudes continue beyond 180.

    Raises
    ------
    RefusedError
        When the annotation or the orbit cannot be read or does not cover the burst.
    """
    burst = read_burst(files.annotation, burst_id)
    fitted = _orbit(burst, orbit)
    middle = 0.5 * (burst.lines - 1)
    lines = (np.array([burst.first_valid_line, burst.last_valid_line]) - middle) * burst.azimuth_interval_s
    samples = np.array([burst.first_valid_sample, burst.last_valid_sample])
    ranges = burst.starting_range_m + samples * burst.range_spacing_m
    share = np.linspace(0, 1, _POINTS_A_SIDE, endpoint=False)
    t = np.concatenate([_side(lines, share, side) for side in ("low", "up", "high", "down")])
    r = np.concatenate([_side(ranges, share, side) for side in ("up", "high", "down", "low")])
    points = rdr2geo(fitted, t, r, height)
    lon, lat = ecef_to_lonlat(points)
    lon = np.degrees(np.unwrap(np.radians(lon)))
    ring = list(zip(lon.tolist(), lat.tolist(), strict=True))
    return [*ring, ring[0]]


def burst_grid(
    files: BurstFiles, burst_id: str, orbit: Path, spacing: float, epsg: int | None = None
) -> Grid:
    """The burst's own grid: around its footprints at the lowest and the highest terrain in its annotation.

    Parameters and errors are those of `_burst_footprint` and `default_grid`.
    """
    low, high = _terrain_heights(files.annotation)
    rings = [_burst_footprint(files, burst_id, orbit, height) for height in (low, high)]
    turn = 360.0 * round((rings[0][0][0] - rings[1][0][0]) / 360.0)
    return default_grid([*rings[0], *((lon + turn, lat) for lon, lat in rings[1])], spacing, epsg)


def _terrain_heights(annotation: Path) -> tuple[float, float]:
    """Lowest and highest height of the annotation's geolocation grid, metres; 0 and 0 where it has none."""
    heights = [point.height_m for point in read_annotation(annotation).grid]
    return (min(heights), max(heights)) if heights else (0.0, 0.0)


def default_grid(ring: Ring, spacing: float, epsg: int | None = None) -> Grid:
    """The grid around a footprint: its bounds in the CRS, a margin, snapped outwards to multiples of the spacing.

    Parameters
    ----------
    ring : list of (lon, lat)
        Degrees, longitudes continuous; dense enough to be reprojected point by point.
    spacing : float
        Pixel size, metres.
    epsg : int, optional
        A projected CRS in metres. None takes the polar stereographic EPSG:3413 north of 75 degrees and EPSG:3031
        south of -60, as burst databases do, and the UTM zone of the burst's middle elsewhere.

    Raises
    ------
    RefusedError
        When the CRS is unknown, not projected, or does not reach the burst.
    """
    lon, lat = np.array(ring).T
    code = epsg or default_epsg(0.5 * (lon.min() + lon.max()), 0.5 * (lat.min() + lat.max()))
    try:
        crs = CRS.from_epsg(code)
    except CRSError as error:
        raise RefusedError(
            f"output_crs {code} is not a known EPSG code; give one like 3031", "crs"
        ) from error
    if not crs.is_projected:
        raise RefusedError(
            f"output_crs {code} ({crs.name}) is not projected; give a CRS in metres like 3031", "crs"
        )
    _refuse_far_crs(crs, lon, lat)
    x, y = Transformer.from_crs(4326, code, always_xy=True).transform(lon, lat)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise RefusedError(f"output_crs {code} ({crs.name}) does not reach the burst; give another", "crs")
    left = math.floor((x.min() - _MARGIN_M) / spacing) * spacing
    right = math.ceil((x.max() + _MARGIN_M) / spacing) * spacing
    bottom = math.floor((y.min() - _MARGIN_M) / spacing) * spacing
    top = math.ceil((y.max() + _MARGIN_M) / spacing) * spacing
    return Grid(
        epsg=code,
        left=left,
        top=top,
        spacing=spacing,
        rows=round((top - bottom) / spacing),
        cols=round((right - left) / spacing),
    )


def _refuse_far_crs(crs: CRS, lon: np.ndarray, lat: np.ndarray) -> None:
    """Refuse a CRS made for another part of the world: it would give coordinates, but at a distorted scale."""
    area = crs.area_of_use
    if area is None:
        return
    width = (area.east - area.west) % 360.0 or 360.0
    # Degrees east of the western edge of the area, which is widened, modulo 360.
    east_of = (lon - area.west + _BEYOND_AREA_DEG) % 360.0
    meets = (east_of <= width + 2 * _BEYOND_AREA_DEG) & (
        (lat >= area.south - _BEYOND_AREA_DEG) & (lat <= area.north + _BEYOND_AREA_DEG)
    )
    if not meets.any():
        raise RefusedError(
            f"output_crs {crs.to_epsg()} ({crs.name}) is for another part of the world than the burst, at latitude "
            f"{lat.mean():.0f} and longitude {(lon.mean() + 180) % 360 - 180:.0f}; give one for it, or none",
            "crs",
        )


def default_epsg(lon: float, lat: float) -> int:
    """EPSG code of a burst's default CRS from its middle, degrees."""
    if lat >= _NORTH_POLAR:
        return 3413
    if lat <= _SOUTH_POLAR:
        return 3031
    zone = math.floor((lon + 180) / 6) % 60 + 1
    return (32600 if lat >= 0 else 32700) + zone


def _side(ends: np.ndarray, share: np.ndarray, side: str) -> np.ndarray:
    """One coordinate along one side of the outline: constant at an end, or running up or down."""
    low, high = ends
    return {
        "low": np.full(share.size, low),
        "high": np.full(share.size, high),
        "up": low + share * (high - low),
        "down": high - share * (high - low),
    }[side]


def _orbit(burst: Burst, path: Path) -> OrbitPolynomial:
    half = 0.5 * (burst.lines - 1) * burst.azimuth_interval_s
    vectors = read_orbit(path, burst.sensing_start + timedelta(seconds=half))
    return fit_orbit(vectors, -half, half)
