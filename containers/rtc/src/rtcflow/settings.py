"""Who processes: configuration by environment variables, written into every product."""

import os
from typing import NamedTuple


class Processor(NamedTuple):
    """Who really ran the processing, and under which licence (SPDX id) the products are."""

    institution: str
    project: str
    contact: str
    url: str | None
    license: str


def processor() -> Processor:
    """From PROCESSOR_NAME, PROCESSOR_PROJECT, PROCESSOR_CONTACT, PROCESSOR_URL and LICENSE."""
    url = os.environ.get("PROCESSOR_URL") or None
    return Processor(
        os.environ.get("PROCESSOR_NAME") or "rtcflow operator",
        os.environ.get("PROCESSOR_PROJECT") or "rtcflow",
        os.environ.get("PROCESSOR_CONTACT") or url or "(NOT PROVIDED)",
        url,
        os.environ.get("LICENSE") or "CC-BY-4.0",
    )
