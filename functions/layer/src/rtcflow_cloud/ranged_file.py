"""An S3 object as a seekable file, so that zipfile reads single members of a SAFE without fetching it whole."""

import io
from typing import Any

from rtcflow_cloud.storage import read_range, size_of
from rtcflow_contract.keys import Location

# zipfile reads in small steps; a block this size makes its central directory one or two requests.
_BLOCK = 1024 * 1024


class RangedFile(io.RawIOBase):
    """Read-only file over ranged requests, one block kept at a time.

    Parameters
    ----------
    at : Location
        The object; NotFoundError is raised here when there is none.
    """

    def __init__(self, at: Location, client: Any = None) -> None:
        self._at = at
        self._client = client
        self._size = size_of(at, client)
        self._position = 0
        self._block_start = 0
        self._block = b""
        self.bytes_fetched = 0

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """Position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; gives the new one."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the position; 0 at the end."""
        view = memoryview(buffer).cast("B")
        start = self._position
        length = min(len(view), self._size - start)
        if length <= 0:
            return 0
        if not self._block_start <= start < self._block_start + len(self._block):
            wanted = min(max(length, _BLOCK), self._size - start)
            self._block = read_range(self._at, start, wanted, self._client)
            self._block_start = start
            self.bytes_fetched += len(self._block)
        offset = start - self._block_start
        piece = self._block[offset : offset + length]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
