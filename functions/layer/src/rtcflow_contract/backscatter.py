"""Backscatter conventions: which area a pixel's power refers to, and which engine makes which."""

from enum import StrEnum
from typing import NamedTuple

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import POLARIZATION_LAYERS, Layer


class Backscatter(StrEnum):
    """gamma0 and sigma0 refer to the terrain, beta0 to the image plane, sigma0_ellipsoid to the ellipsoid."""

    GAMMA0 = "gamma0"
    SIGMA0 = "sigma0"
    BETA0 = "beta0"
    SIGMA0_ELLIPSOID = "sigma0_ellipsoid"


class _Words(NamedTuple):
    title: str
    description: str


_WORDS = {
    Backscatter.GAMMA0: _Words("gamma0", "Radiometrically terrain corrected gamma0 backscatter"),
    Backscatter.SIGMA0: _Words("sigma0", "Radiometrically terrain corrected sigma0 backscatter"),
    Backscatter.BETA0: _Words("beta0", "Geocoded beta0 backscatter, without radiometric terrain correction"),
    Backscatter.SIGMA0_ELLIPSOID: _Words(
        "sigma0 on the ellipsoid",
        "Geocoded sigma0 backscatter on the ellipsoid, without radiometric terrain correction",
    ),
}
# OPERA's workflow has no area of the ellipsoid.
_LACKS = {"isce3": frozenset({Backscatter.SIGMA0_ELLIPSOID})}


def words(backscatter: Backscatter) -> str:
    """The convention's name in text for people."""
    return _WORDS[backscatter].title


def corrects_radiometry(backscatter: Backscatter) -> bool:
    """Whether a convention removes the effect of terrain slope."""
    return backscatter in (Backscatter.GAMMA0, Backscatter.SIGMA0)


def in_convention(layer: Layer, backscatter: Backscatter) -> Layer:
    """The layer with the title and description of a convention; only backscatter layers change."""
    if layer.name not in POLARIZATION_LAYERS:
        return layer
    title, description = _WORDS[backscatter]
    return layer._replace(
        title=f"{layer.name} {title}", description=f"{description}, polarization {layer.name}, linear power"
    )


class NegativePower(StrEnum):
    """What to do with samples whose power noise removal made negative.

    `clip` sets them to zero, as OPERA's workflow does, which makes the mean of dark surfaces too high. `keep` leaves
    them, so that means are unbiased and single pixels may be negative.
    """

    CLIP = "clip"
    KEEP = "keep"


def refuse_options(
    engine: str,
    backscatter: Backscatter,
    tide_correction: bool,
    align_area_factors: bool = False,
    negative_power: NegativePower = NegativePower.CLIP,
) -> None:
    """Refuse options that an engine does not support.

    Raises
    ------
    RefusedError
    """
    if backscatter in _LACKS.get(engine, ()):
        made = [choice.value for choice in Backscatter if choice not in _LACKS[engine]]
        raise RefusedError(
            f"engine {engine} makes {', '.join(made)}, but not {backscatter}; use engine native",
            reason="backscatter",
        )
    if engine == "isce3" and negative_power is NegativePower.KEEP:
        raise RefusedError(
            "engine isce3 sets power that noise removal made negative to zero; use engine native, or negative_power "
            "clip",
            reason="negative-power",
        )
    if engine == "isce3" and tide_correction:
        raise RefusedError(
            "engine isce3 does not correct for solid earth tides; use engine native, or leave tide_correction off",
            reason="tide-correction",
        )
    if engine == "isce3" and align_area_factors:
        raise RefusedError(
            "engine isce3 computes area factors without the image's delays; use engine native, or leave "
            "align_area_factors off",
            reason="align-area-factors",
        )
