"""Who processes: configuration by environment variables, written into every product."""

import os
from typing import NamedTuple

from rtcflow_contract.ceos_ard import parse_accuracy
from rtcflow_contract.manifest import GeometricAccuracy


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


def geometric_accuracy() -> GeometricAccuracy | None:
    """What the operator's campaign found, from GEOMETRIC_ACCURACY; None where it is not set.

    Raises
    ------
    RefusedError
        When it cannot be read.
    """
    return parse_accuracy(os.environ.get("GEOMETRIC_ACCURACY"))
