"""Who processes: configuration by environment variables, written into every product."""

import os
from typing import NamedTuple

_DEFAULT = "(NOT PROVIDED)"


class Processor(NamedTuple):
    """Who really ran the processing; OPERA's metadata keys hold it under the same names."""

    institution: str
    project: str
    contact: str


def processor() -> Processor:
    """From RTCFLOW_INSTITUTION, RTCFLOW_PROJECT and RTCFLOW_CONTACT."""
    return Processor(
        os.environ.get("RTCFLOW_INSTITUTION") or _DEFAULT,
        os.environ.get("RTCFLOW_PROJECT") or "rtcflow",
        os.environ.get("RTCFLOW_CONTACT") or _DEFAULT,
    )
