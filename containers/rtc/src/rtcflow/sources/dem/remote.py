"""Open a raster at any location: GDAL reads only the parts that it needs, and errors of the source are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import rasterio
from rasterio.errors import RasterioError

from rtcflow_contract.errors import NotFoundError, RtcflowError
from rtcflow_files.files import Files

# Files that GDAL looks for beside any raster.
_SIDECARS = (".aux.xml", ".ovr", ".msk", ".tfw", ".wld", ".imd", ".rpb", "_rpc.txt", ".txt", ".met")


@contextmanager
def open_raster(place: Files, name: str) -> Iterator[rasterio.DatasetReader]:
    """Open a raster, and the rasters that a VRT names beside or below it.

    Raises
    ------
    NotFoundError
        When there is no such file.
    RefusedError, TransientError
        When it could not be fetched. RasterioError when it is not a raster.
    """
    place.open(name).close()
    local = place.path(name)
    if local is not None:
        with rasterio.open(local) as source:
            yield source
        return
    errors: list[RtcflowError | OSError] = []
    folder, _, file = name.rpartition("/")

    def opener(path: str, mode: str = "rb") -> BinaryIO:
        asked = path.lstrip("/")
        other = asked.rpartition("/")[2] != file
        if other and (not file.lower().endswith(".vrt") or asked.lower().endswith(_SIDECARS)):
            raise FileNotFoundError(path)
        try:
            found = name if not other else f"{folder}/{asked}" if folder else asked
            return cast(BinaryIO, _ForGdal(place.open(found), errors))
        except NotFoundError as error:
            raise FileNotFoundError(path) from error
        except (RtcflowError, OSError) as error:
            errors.append(error)
            raise FileNotFoundError(path) from error

    try:
        with rasterio.open(file, opener=opener) as source:
            yield source
    except (RasterioError, RtcflowError) as error:
        # An error of GDAL that follows from a failed read says nothing.
        raise errors[0] if errors else error from error
    if errors:
        raise errors[0]


class _ForGdal:
    """A file that GDAL reads; an exception in its threads would end the process, so errors are collected."""

    def __init__(self, file: BinaryIO, errors: list[RtcflowError | OSError]) -> None:
        self._file, self._errors = file, errors

    def read(self, size: int = -1) -> bytes:
        try:
            return self._file.read(size)
        except (RtcflowError, OSError) as error:
            self._errors.append(error)
            return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "_ForGdal":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
