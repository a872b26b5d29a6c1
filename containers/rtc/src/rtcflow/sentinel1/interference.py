"""Radio frequency interference of a burst, as the scene's `annotation/rfi` reports it (since IPF 3.40).

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), RFI annotation data set.
"""

import math
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rtcflow.sentinel1.burst_metadata import Burst
from rtcflow_contract.errors import RefusedError
from rtcflow_safe.xml import parse_xml, read_xml

# A report has the time of its burst's first line, up to the processor's rounding.
_SAME_BURST = timedelta(seconds=1)
_NONE = {"none", "false", ""}


def interference_file(annotation: Path) -> Path:
    """Path of the RFI annotation for a sub-swath's annotation, if the scene has one."""
    return annotation.parent / "rfi" / f"rfi-{annotation.name}"


def read_interference(annotation: Path, burst: Burst) -> dict[str, Any] | None:
    """Read the report on a burst; None if the scene has none.

    Returns
    -------
    dict
        `rfiMitigationPerformed` (whether the processor mitigated), `rfiMitigationDomain` (`TimeFrequency`, ...), and
        `rfiBurstReport/...`, `timeDomainRfiReport/...` and `frequencyDomainRfiBurstReport/...` by the names in
        the file: texts and numbers, shares in percent.

    Raises
    ------
    RefusedError
        When the file cannot be read.
    """
    path = interference_file(annotation)
    if not path.is_file():
        return None
    try:
        root = parse_xml(read_xml(path), path.name)
        # `rfiMitigationPerformed` says when it is applied, `rfiMitigationApplied` in which domain.
        domain = (root.findtext("rfiMitigationApplied") or root.findtext("rfiMitigationDomain") or "").strip()
        found: dict[str, Any] = {
            "rfiMitigationPerformed": domain.lower() not in _NONE,
            "rfiMitigationDomain": domain or "None",
        }
        for report in root.iterfind("rfiBurstReportList/rfiBurstReport"):
            time = datetime.fromisoformat((report.findtext("azimuthTime") or "").strip()).replace(tzinfo=UTC)
            if abs(time - burst.sensing_start) < _SAME_BURST:
                # OPERA puts the reports by domain beside the burst's own report, not below it.
                found |= {
                    name if "/" in name else f"rfiBurstReport/{name}": value
                    for name, value in _leaves(report).items()
                }
        return found
    except ValueError as error:
        raise RefusedError(
            f"interference annotation {path.name} cannot be read ({error}); fetch the scene again",
            "annotation",
        ) from error


def _leaves(element: ET.Element, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        if len(child):
            found |= _leaves(child, f"{prefix}{child.tag}/")
        else:
            found[prefix + child.tag] = _value((child.text or "").strip())
    return found


def _value(text: str) -> Any:
    """A number where the text is one; JSON has no place for one that is not finite."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text
