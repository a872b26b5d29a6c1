"""A raster wherever it lies, of which GDAL reads only what it needs, with the trouble that it had on the way."""

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
    """Open a raster; rasters that a VRT names beside or below it are opened too.

    Raises
    ------
    NotFoundError
        When there is no such file.
    RefusedError, TransientError
        When it could not be fetched; RasterioError of GDAL when it is none.
    """
    place.open(name).close()
    local = place.path(name)
    if local is not None:
        with rasterio.open(local) as source:
            yield source
        return
    troubles: list[RtcflowError | OSError] = []
    folder, _, file = name.rpartition("/")

    def opener(path: str, mode: str = "rb") -> BinaryIO:
        asked = path.lstrip("/")
        other = asked.rpartition("/")[2] != file
        if other and (not file.lower().endswith(".vrt") or asked.lower().endswith(_SIDECARS)):
            raise FileNotFoundError(path)
        try:
            found = name if not other else f"{folder}/{asked}" if folder else asked
            return cast(BinaryIO, _ForGdal(place.open(found), troubles))
        except NotFoundError as error:
            raise FileNotFoundError(path) from error
        except (RtcflowError, OSError) as error:
            troubles.append(error)
            raise FileNotFoundError(path) from error

    try:
        with rasterio.open(file, opener=opener) as source:
            yield source
    except (RasterioError, RtcflowError) as error:
        # What came of a file that was not read whole says nothing.
        raise troubles[0] if troubles else error from error
    if troubles:
        raise troubles[0]


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
