"""Limits of the differences of two products, and what exceeds them."""

from typing import NamedTuple

from rtcflow.compare.differences import CLASSES, DECIBEL, DEGREES, METRES, RATIO, Differences

# Overlaps of classes with fewer pixels in both products together are not judged.
_PIXELS_OF_A_CLASS = 500


class Limits(NamedTuple):
    """Limits of differences and of agreement; the defaults hold between the engines.

    Decibels for backscatter and area factors; `p95` is the 95th percentile of the absolute difference.
    """

    db_bias: float = 0.02
    db_p95: float = 0.05
    db_p99: float = 0.2
    degrees_p95: float = 0.02
    metres_p95: float = 0.2
    ratio_p95: float = 0.01
    mask_agreement: float = 0.998
    mask_iou: float = 0.7
    validity: float = 0.999


# By unit: the figure, the limit to it, and whether the figure may be at most (or must be at least) that.
_P95 = {DECIBEL: "db_p95", DEGREES: "degrees_p95", METRES: "metres_p95", RATIO: "ratio_p95"}
_RULES: dict[str, tuple[tuple[str, str, bool], ...]] = {
    **{unit: (("p95", limit, True),) for unit, limit in _P95.items()},
    DECIBEL: (("bias", "db_bias", True), ("p95", "db_p95", True), ("p99", "db_p99", True)),
    CLASSES: (("agreement", "mask_agreement", False),),
}
_VALIDITY = ("validity", "validity", False)


def p95_limit(unit: str, limits: Limits) -> float:
    """Limit of the 95th percentile of the absolute difference."""
    return float(getattr(limits, _P95[unit]))


def exceeded(differences: Differences, limits: Limits) -> list[str]:
    """Figures of a layer outside the limits, as phrases."""
    phrases = []
    for figure, name, at_most in (*_RULES[differences.unit], _VALIDITY):
        value, limit = float(getattr(differences, figure)), float(getattr(limits, name))
        if at_most and abs(value) > limit:
            phrases.append(f"{figure} {value:.4f} {differences.unit}, at most {limit:g}")
        if not at_most and value < limit:
            phrases.append(f"{figure} {value:.5f}, at least {limit:g}")
    phrases += [
        f"intersection over union of {name} {overlap.iou:.3f}, at least {limits.mask_iou:g}"
        for name, overlap in differences.classes.items()
        if overlap.iou is not None and overlap.union >= _PIXELS_OF_A_CLASS and overlap.iou < limits.mask_iou
    ]
    return phrases
