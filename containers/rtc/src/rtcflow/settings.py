"""Configuration by environment variables: who processes, written into every product, and how long it may take."""

import os
import threading
from contextlib import suppress
from typing import NamedTuple

from rtcflow_contract.ceos_ard import parse_accuracy
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import GeometricAccuracy


class Operator(NamedTuple):
    """Who runs the processing, and the licence of the products (SPDX id)."""

    institution: str
    project: str
    contact: str
    url: str | None
    license: str


def processor() -> Operator:
    """From PROCESSOR_NAME, PROCESSOR_PROJECT, PROCESSOR_CONTACT, PROCESSOR_URL and LICENSE."""
    url = os.environ.get("PROCESSOR_URL") or None
    return Operator(
        os.environ.get("PROCESSOR_NAME") or "rtcflow operator",
        os.environ.get("PROCESSOR_PROJECT") or "rtcflow",
        os.environ.get("PROCESSOR_CONTACT") or url or "(NOT PROVIDED)",
        url,
        os.environ.get("LICENSE") or "CC-BY-4.0",
    )


def geometric_accuracy() -> GeometricAccuracy | None:
    """Geometric accuracy found by the operator, from GEOMETRIC_ACCURACY; None if it is not set.

    Raises
    ------
    RefusedError
        When it cannot be read.
    """
    return parse_accuracy(os.environ.get("GEOMETRIC_ACCURACY"))


def burst_limit() -> float | None:
    """Seconds that one burst may take, from RTCFLOW_TIME_LIMIT_S; None where it is not set, RefusedError when wrong."""
    return seconds_of("RTCFLOW_TIME_LIMIT_S")


def seconds_of(name: str) -> float | None:
    """Seconds that a variable gives, above zero; None where it is not set.

    Raises
    ------
    RefusedError
        When it is not such a number.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    with suppress(ValueError):
        if 0 < float(text) < threading.TIMEOUT_MAX:
            return float(text)
    raise RefusedError(f"{name} is '{text}'; give a number of seconds above zero", reason="settings")
