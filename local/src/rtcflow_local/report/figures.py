"""Format numbers for people."""

import math
from typing import Any

_BYTE_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def size(count: float | None) -> str:
    """`312 MB`, decimal units."""
    if count is None:
        return "–"
    for factor, unit in _BYTE_UNITS:
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def dollars(amount: float | None) -> str:
    """`$0.042`, with two significant digits."""
    if amount is None:
        return "–"
    if amount >= 1:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 0.0001 else "under $0.0001"


def number(value: float | None) -> str:
    """Four significant digits."""
    if value is None:
        return "–"
    return f"{value:.4g}"


def decibel(power: float | None) -> str:
    """Linear power in dB; a dash if there is none."""
    return f"{10 * math.log10(power):.2f}" if power is not None and power > 0 else "–"


def percent(share: float | None, digits: int = 1) -> str:
    """`12.3 %` of a share in percent."""
    return "–" if share is None else f"{share:.{digits}f} %"


def word(value: Any) -> str:
    """A JSON value as text: yes and no, a dash for null, lists separated by spaces."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return " ".join(word(part) for part in value)
    return str(value)
