"""Cache parts of a large file in blocks, so that a part is fetched only once."""

import threading
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import BinaryIO

BLOCK = 1024 * 1024
# Blocks kept in memory, for reads in small steps.
_AT_HAND = 16

Kept = Callable[[str, Callable[[], bytes]], bytes]


class KeptBlocks:
    """Reads ranges of a file, fetching only blocks that are not cached.

    Parameters
    ----------
    open_file : callable
        Opens the file in the archive; called if a block is not cached.
    kept : callable
        (part, get): content cached as `part`, else that of `get`, which is then cached.
    """

    def __init__(self, open_file: Callable[[], BinaryIO], kept: Kept) -> None:
        self._open_file, self._kept = open_file, kept
        # Threads share one position in the archive's file.
        self._lock = threading.Lock()
        self._block = lru_cache(_AT_HAND)(self._block_of)

    @cached_property
    def size(self) -> int:
        """Size of the file, bytes."""
        return int(self._kept("size", lambda: str(self._file.seek(0, 2)).encode()))

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from byte `start`, fewer at the end of the file."""
        stop = min(start + length, self.size)
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        joined = b"".join(map(self._block, blocks))
        return joined[start - blocks.start * BLOCK :][: stop - start]

    @cached_property
    def _file(self) -> BinaryIO:
        return self._open_file()

    def _block_of(self, block: int) -> bytes:
        return self._kept(str(block), lambda: self._fetch(block))

    def _fetch(self, block: int) -> bytes:
        with self._lock:
            self._file.seek(block * BLOCK)
            return self._file.read(BLOCK)
