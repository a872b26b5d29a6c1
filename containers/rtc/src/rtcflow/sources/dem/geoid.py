"""Height of the EGM2008 geoid above the WGS 84 ellipsoid, from a global raster of which only a window is read."""

import math
from typing import BinaryIO, cast

import numpy as np
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_files.files import Files

LOWEST_M, HIGHEST_M = -110.0, 90.0


def geoid_heights(place: Files, name: str, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    """Geoid heights by bilinear interpolation.

    Parameters
    ----------
    place, name
        The raster, in geographic coordinates; global, or at least covering the area.
    latitudes : ndarray, shape (rows,)
        Degrees, falling.
    longitudes : ndarray, shape (cols,)
        Degrees, rising, in any turn.

    Returns
    -------
    ndarray, shape (rows, cols)
        Metres, float32.

    Raises
    ------
    RefusedError
        When the raster cannot be read or does not cover the area.
    """
    href = place.href(name)
    try:
        local = place.path(name)
        if local is not None:
            place.open(name).close()
            with rasterio.open(local) as source:
                return _interpolate(source, href, latitudes, longitudes)
        return _remote_heights(place, name, latitudes, longitudes)
    except RasterioIOError as error:
        raise RefusedError(f"geoid {href} cannot be read ({error}); give another", reason="geoid") from error


def _remote_heights(place: Files, name: str, latitudes: np.ndarray, longitudes: np.ndarray) -> np.ndarray:
    troubles: list[RtcflowError | OSError] = []

    def opener(path: str, mode: str = "rb") -> BinaryIO:
        # GDAL also asks for files that may lie beside it.
        if path.rsplit("/", 1)[-1] != name:
            raise FileNotFoundError(path)
        try:
            return cast(BinaryIO, _ForGdal(place.open(name), troubles))
        except (RtcflowError, OSError) as error:
            troubles.append(error)
            raise FileNotFoundError(path) from error

    try:
        with rasterio.open(name, opener=opener) as source:
            heights = _interpolate(source, place.href(name), latitudes, longitudes)
    except RasterioIOError as error:
        raise troubles[0] if troubles else error from error
    if troubles:
        raise troubles[0]
    return heights


class _ForGdal:
    """A file that GDAL reads: an exception in its threads would end the process, so troubles are told aside."""

    def __init__(self, file: BinaryIO, troubles: list[RtcflowError | OSError]) -> None:
        self._file, self._troubles = file, troubles

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except (RtcflowError, OSError) as error:
            self._troubles.append(error)
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_ForGdal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _interpolate(
    source: rasterio.DatasetReader, href: str, latitudes: np.ndarray, longitudes: np.ndarray
) -> np.ndarray:
    spacing_x, spacing_y = source.transform.a, -source.transform.e
    first_lon, first_lat = source.transform.c + spacing_x / 2, source.transform.f - spacing_y / 2
    turn = round(360.0 / spacing_x) if source.width * spacing_x > 359.9 else None
    row = np.clip((first_lat - latitudes) / spacing_y, 0, source.height - 1)
    col = (longitudes - first_lon) / spacing_x
    if turn is None:
        col -= 360.0 / spacing_x * math.floor(col[0] * spacing_x / 360.0)
    beyond = (first_lat - latitudes[[0, -1]]) / spacing_y - row[[0, -1]]
    outside = turn is None and (col[-1] > source.width - 1 or col[0] < 0)
    if outside or np.abs(beyond).max() > 1:
        raise RefusedError(
            f"geoid {href} does not cover the burst; give a global one", reason="geoid-coverage"
        )
    top, bottom = math.floor(row[0]), min(math.floor(row[-1]) + 1, source.height - 1)
    left, right = math.floor(col[0]), math.floor(col[-1]) + 1
    window = _columns(source, (top, bottom), (left, right), turn)
    low = np.floor(col).astype(np.intp)
    weight = (col - low).astype(np.float32)
    low = np.clip(low - left, 0, window.shape[1] - 2)
    across = window[:, low] + weight * (window[:, low + 1] - window[:, low])
    low = np.clip(np.floor(row).astype(np.intp) - top, 0, max(window.shape[0] - 2, 0))
    weight = (row - top - low).astype(np.float32)[:, None]
    # Undulations of the earth; a file that holds others is not a geoid, or damaged.
    if not (window.min() >= LOWEST_M and window.max() <= HIGHEST_M):
        raise RefusedError(
            f"geoid {href} has values of {window.min():g} to {window.max():g} m around the burst, where "
            f"{LOWEST_M:g} to {HIGHEST_M:g} m occur; give another",
            reason="geoid",
        )
    return across[low] + weight * (across[np.minimum(low + 1, window.shape[0] - 1)] - across[low])


def _columns(
    source: rasterio.DatasetReader, rows: tuple[int, int], cols: tuple[int, int], turn: int | None
) -> np.ndarray:
    """Rows and columns, both ends included; columns wrap around a global raster."""
    height = rows[1] - rows[0] + 1
    pieces = []
    at = cols[0]
    while at <= cols[1]:
        start = at % turn if turn else at
        width = min(cols[1] - at + 1, (turn or source.width) - start)
        if start >= source.width:
            start, width = source.width - 1, 1
        window = Window(start, rows[0], min(width, source.width - start), height)
        pieces.append(source.read(1, window=window).astype(np.float32))
        at += pieces[-1].shape[1]
    return np.concatenate(pieces, axis=1)
