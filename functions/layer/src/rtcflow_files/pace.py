"""Bodies of HTTP answers, piece by piece and at a useful rate: a trickle never runs into a read's time limit."""

import time
from collections.abc import Callable, Iterator

import urllib3

_PIECE = 1024 * 1024
WINDOW_S = 60.0
# A burst of 150 MB would take four hours.
_LEAST_BYTES_S = 10 * 1024


class TrickleError(urllib3.exceptions.HTTPError):
    """The body came too slowly to be waited for."""


def pieces(answer: urllib3.BaseHTTPResponse, now: Callable[[], float] = time.monotonic) -> Iterator[bytes]:
    """What has come of a body, each time something has.

    Raises
    ------
    TrickleError
        When less than `_LEAST_BYTES_S` a second came in `WINDOW_S`.
    urllib3.exceptions.HTTPError
        When the body stalls or breaks off.
    """
    since, came = now(), 0
    # One read of the connection each time: of a longer one that breaks off, nothing would be kept.
    while piece := answer.read1(_PIECE):
        yield piece
        came += len(piece)
        elapsed = now() - since
        if elapsed >= WINDOW_S:
            if came < _LEAST_BYTES_S * elapsed:
                raise TrickleError(f"{came} bytes in {elapsed:.0f} s")
            since, came = now(), 0
