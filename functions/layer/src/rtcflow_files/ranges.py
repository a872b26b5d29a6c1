"""A remote object as a seekable file that fetches only what is read."""

import io
from collections.abc import Callable
from typing import BinaryIO, cast

from rtcflow.threads import Pool
from rtcflow_contract.errors import TransientError
from rtcflow_files.retry import Retry

_PART = 8 * 1024 * 1024
_PARALLEL = 8
# Smallest fetch; it is doubled up to a limit while reads are sequential, as within a zip member.
_LEAST, _MOST = 64 * 1024, 4 * 1024 * 1024
# Reads of at least this size fetch exactly what they ask for.
_DIRECT = 1024 * 1024

_ReadRange = Callable[[int, int], bytes]


class _RangeFile(io.RawIOBase):
    def __init__(self, read_range: _ReadRange, size: int, retry: Retry) -> None:
        # If a body breaks off, the request is repeated.
        self._read_range: _ReadRange = lambda start, length: retry.call(
            lambda: _whole(read_range, start, length)
        )
        self._size = size
        self._at = 0
        self._block = memoryview(b"")
        self._block_start = 0
        self._step = _LEAST

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._size - self._at)
        if length <= 0:
            return 0
        into = memoryview(buffer)[:length]
        if not 0 <= self._at - self._block_start < len(self._block):
            if length >= _DIRECT:
                _read_parts(self._read_range, self._at, into)
                self._at += length
                return length
            self._fetch_block(length)
        offset = self._at - self._block_start
        piece = self._block[offset : offset + length]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _fetch_block(self, length: int) -> None:
        follows = self._at == self._block_start + len(self._block) and len(self._block) > 0
        self._step = min(2 * self._step, _MOST) if follows else _LEAST
        block = bytearray(min(max(length, self._step), self._size - self._at))
        _read_parts(self._read_range, self._at, memoryview(block))
        self._block, self._block_start = memoryview(block), self._at


def open_ranges(read_range: _ReadRange, size: int, retry: Retry | None = None) -> BinaryIO:
    """Open an object of `size` bytes.

    Parameters
    ----------
    read_range : callable
        (start, length) to bytes; called from several threads, and again after a TransientError.
    size : int
        Size of the object, bytes.
    retry : Retry, optional
    """
    file = _RangeFile(read_range, size, retry or Retry())
    return cast(BinaryIO, io.BufferedReader(file, buffer_size=_LEAST))


def _read_parts(read_range: _ReadRange, start: int, into: memoryview) -> None:
    offsets = range(0, len(into), _PART)

    def fill(offset: int) -> None:
        length = min(_PART, len(into) - offset)
        into[offset : offset + length] = read_range(start + offset, length)

    if len(offsets) == 1:
        fill(0)
        return
    # One connection to S3 carries some 50 MB/s; several fetch a burst faster.
    with Pool(_PARALLEL) as pool:
        for done in [pool.submit(fill, offset) for offset in offsets]:
            done.result()


def _whole(read_range: _ReadRange, start: int, length: int) -> bytes:
    data = read_range(start, length)
    if len(data) != length:
        raise TransientError(f"{len(data)} of {length} bytes arrived; try again", reason="short-read")
    return data
