"""What was read of a file too large to keep whole, kept in blocks: who reads the same part again asks for nothing."""

import tempfile
import threading
from collections.abc import Callable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO

BLOCK = 1024 * 1024
# Blocks in memory: reads in small steps must not recall a block for each.
_AT_HAND = 16

Recall = Callable[[str, Path], bool]
Keep = Callable[[str, Path], None]


class KeptBlocks:
    """Ranges of a file, of which the archive is asked only for blocks that are not kept.

    Parameters
    ----------
    open_file : callable
        Opens the file in the archive; called when something is not kept.
    recall : callable
        (part, path): write what is kept as `part` to `path`; false where nothing is.
    keep : callable
        (part, path): keep the file at `path` as `part`.
    """

    def __init__(self, open_file: Callable[[], BinaryIO], recall: Recall, keep: Keep) -> None:
        self._open_file, self._recall, self._keep = open_file, recall, keep
        # Readers in several threads share one position in the archive's file.
        self._lock = threading.Lock()
        self._block = lru_cache(_AT_HAND)(self._block_of)

    @cached_property
    def size(self) -> int:
        """Size of the file, bytes."""
        return int(self._part("size", lambda: str(self._file.seek(0, 2)).encode()))

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
        return self._part(str(block), lambda: self._fetch(block))

    def _fetch(self, block: int) -> bytes:
        with self._lock:
            self._file.seek(block * BLOCK)
            return self._file.read(BLOCK)

    def _part(self, name: str, fetch: Callable[[], bytes]) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "part"
            if self._recall(name, path):
                return path.read_bytes()
            data = fetch()
            path.write_bytes(data)
            self._keep(name, path)
            return data
