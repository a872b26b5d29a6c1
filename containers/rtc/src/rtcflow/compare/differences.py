"""Differences of two arrays of a layer, in the layer's usual unit, and the limits to them."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from rtcflow.compare.pairs import Pair
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import LAYERS, MASK_CLASSES, POLARIZATION_LAYERS

DECIBEL, DEGREES, METRES, RATIO, CLASSES = "dB", "deg", "m", "ratio", "class"
UNITS: dict[str, str] = {
    **dict.fromkeys(POLARIZATION_LAYERS, DECIBEL),
    "rtc_anf_gamma0_to_beta0": DECIBEL,
    "rtc_anf_gamma0_to_sigma0": DECIBEL,
    "local_incidence_angle": DEGREES,
    "incidence_angle": DEGREES,
    "interpolated_dem": METRES,
    "number_of_looks": RATIO,
    "mask": CLASSES,
}
_FILL = int(LAYERS["mask"].nodata)


@dataclass(frozen=True)
class ClassOverlap:
    """A class of the mask: its pixels in each product, and intersection over union (None where it is in neither)."""

    a: int
    b: int
    union: int
    iou: float | None


@dataclass(frozen=True)
class Differences:
    """Differences of a layer, second product minus first.

    `bias` is the mean difference, `p50`, `p95` and `p99` percentiles of the absolute difference, all in `unit`, over
    the `pixels` valid in both. `agreement` is the share of those whose class is the same (mask only), `validity` the
    share of all pixels that are valid in both or in neither.
    """

    layer: str
    unit: str
    pixels: int
    validity: float
    bias: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    agreement: float | None = None
    classes: dict[str, ClassOverlap] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The fields that this kind of layer has."""
        return {key: value for key, value in asdict(self).items() if value not in (None, {})}


class Measured(NamedTuple):
    """Figures of a layer, and its difference at each pixel, shape (rows, cols), NaN unless both are valid."""

    differences: Differences
    map: np.ndarray


def differences_of(pair: Pair) -> Measured:
    """Compare a layer.

    Backscatter and area factors are compared in decibels, which needs values above zero; other pixels count only for
    validity.

    Raises
    ------
    RefusedError
        When no pixel can be compared.
    """
    unit = UNITS[pair.layer]
    return _of_classes(pair) if unit == CLASSES else _of_numbers(pair, unit)


def _of_numbers(pair: Pair, unit: str) -> Measured:
    a, b = pair.a.astype(np.float64), pair.b.astype(np.float64)
    valid_a, valid_b = np.isfinite(a), np.isfinite(b)
    both = valid_a & valid_b
    if unit in (DECIBEL, RATIO):
        both &= (np.nan_to_num(a) > 0) & (np.nan_to_num(b) > 0)
    a, b = a[both], b[both]
    if unit == DECIBEL:
        difference = 10 * np.log10(b / a)
    elif unit == RATIO:
        difference = b / a - 1
    else:
        difference = b - a
    _check_any(pair.layer, difference.size)
    p50, p95, p99 = (float(value) for value in np.percentile(np.abs(difference), (50, 95, 99)))
    figures = Differences(
        pair.layer,
        unit,
        int(difference.size),
        float((valid_a == valid_b).mean()),
        float(difference.mean()),
        p50,
        p95,
        p99,
    )
    full = np.full(pair.a.shape, np.nan, np.float32)
    full[both] = difference
    return Measured(figures, full)


def _of_classes(pair: Pair) -> Measured:
    valid_a, valid_b = pair.a != _FILL, pair.b != _FILL
    both = valid_a & valid_b
    a, b = pair.a[both], pair.b[both]
    _check_any(pair.layer, a.size)
    figures = Differences(
        pair.layer,
        CLASSES,
        int(a.size),
        float((valid_a == valid_b).mean()),
        agreement=float((a == b).mean()),
        classes={
            entry.name: _overlap(a == entry.value, b == entry.value)
            for entry in MASK_CLASSES
            if entry.value != _FILL
        },
    )
    full = np.full(pair.a.shape, np.nan, np.float32)
    full[both] = a != b
    return Measured(figures, full)


def _overlap(a: np.ndarray, b: np.ndarray) -> ClassOverlap:
    union = int((a | b).sum())
    return ClassOverlap(int(a.sum()), int(b.sum()), union, float((a & b).sum() / union) if union else None)


def _check_any(layer: str, pixels: int) -> None:
    if pixels == 0:
        raise RefusedError(
            f"layer {layer} has no pixel valid in both products; compare products of one burst",
            reason="layer-empty",
        )


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
