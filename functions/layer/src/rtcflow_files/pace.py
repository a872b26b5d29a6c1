"""Read HTTP bodies in pieces and fail if they come too slowly, which a read timeout does not catch."""

import time
from collections.abc import Callable, Iterator

import urllib3

_PIECE = 1024 * 1024
_WINDOW_S = 60.0
# At this rate a burst of 150 MB would take four hours.
_LEAST_BYTES_S = 10 * 1024


class TrickleError(urllib3.exceptions.HTTPError):
    """The body came too slowly."""


def pieces(answer: urllib3.BaseHTTPResponse, now: Callable[[], float] = time.monotonic) -> Iterator[bytes]:
    """Yield the pieces of a body as they arrive.

    Raises
    ------
    TrickleError
        When it arrives at less than `_LEAST_BYTES_S` over `_WINDOW_S`.
    urllib3.exceptions.HTTPError
        When the body stalls or breaks off.
    """
    since, came = now(), 0
    # One read of the socket at a time, since a longer read that breaks off loses what came.
    while piece := answer.read1(_PIECE):
        yield piece
        came += len(piece)
        elapsed = now() - since
        if elapsed >= _WINDOW_S:
            if came < _LEAST_BYTES_S * elapsed:
                raise TrickleError(f"{came} bytes in {elapsed:.0f} s")
            since, came = now(), 0
