"""The table of layers: every raster of both products, read by writers, checks and STAC."""

from enum import StrEnum
from typing import NamedTuple


class Product(StrEnum):
    """The two products: backscatter of a pass, and the static layers, which are the same for every pass."""

    RTC_S1 = "RTC_S1"
    RTC_S1_STATIC = "RTC_S1_STATIC"


class MaskClass(NamedTuple):
    """A class of the mask layer, with its colour on maps (hex RGB)."""

    value: int
    name: str
    description: str
    color: str


MASK_CLASSES: tuple[MaskClass, ...] = (
    MaskClass(0, "clear", "Neither layover nor shadow", "FFFFFF"),
    MaskClass(1, "shadow", "Radar shadow", "4A4A4A"),
    MaskClass(2, "layover", "Layover", "E69F00"),
    MaskClass(3, "layover_and_shadow", "Layover and shadow", "D55E00"),
    MaskClass(255, "fill", "Outside the samples of the product", "000000"),
)


class Layer(NamedTuple):
    """One raster layer.

    `name` is also the suffix of the file name; `nodata` is written into the COG; `roles` are STAC asset roles.
    """

    name: str
    title: str
    description: str
    unit: str
    dtype: str
    nodata: float
    roles: tuple[str, ...]
    products: frozenset[Product]


_NAN = float("nan")
_BACKSCATTER = frozenset({Product.RTC_S1})
_STATIC = frozenset({Product.RTC_S1_STATIC})
_BOTH = _BACKSCATTER | _STATIC


def _gamma0(polarization: str) -> Layer:
    return Layer(
        polarization,
        f"{polarization} gamma0",
        f"Radiometrically terrain corrected gamma0 backscatter, polarization {polarization}, linear power",
        "1",
        "float32",
        _NAN,
        ("data", "backscatter"),
        _BACKSCATTER,
    )


LAYERS: dict[str, Layer] = {
    layer.name: layer
    for layer in (
        _gamma0("HH"),
        _gamma0("HV"),
        _gamma0("VV"),
        _gamma0("VH"),
        Layer(
            "mask",
            "Layover and shadow mask",
            "Layover and shadow by class; fill outside the product's samples",
            "1",
            "uint8",
            255.0,
            ("data", "auxiliary", "mask", "shadow", "layover"),
            _BOTH,
        ),
        Layer(
            "number_of_looks",
            "Number of looks",
            "Number of radar samples averaged into a pixel, each weighted by its share of the pixel's area",
            "1",
            "float32",
            _NAN,
            ("data", "auxiliary"),
            _STATIC,
        ),
        Layer(
            "rtc_anf_gamma0_to_beta0",
            "Area factor gamma0 to beta0",
            "Radiometric terrain correction area normalization factor: beta0 divided by it gives gamma0",
            "1",
            "float32",
            _NAN,
            ("data", "auxiliary", "conversion"),
            _STATIC,
        ),
        Layer(
            "rtc_anf_gamma0_to_sigma0",
            "Area factor gamma0 to sigma0",
            "Radiometric terrain correction area normalization factor: gamma0 multiplied by it gives sigma0",
            "1",
            "float32",
            _NAN,
            ("data", "auxiliary", "conversion"),
            _STATIC,
        ),
        Layer(
            "local_incidence_angle",
            "Local incidence angle",
            "Angle between the line of sight and the normal of the terrain",
            "deg",
            "float32",
            _NAN,
            ("data", "auxiliary", "local-incidence-angle"),
            _STATIC,
        ),
        Layer(
            "incidence_angle",
            "Incidence angle",
            "Angle between the line of sight and the normal of the ellipsoid",
            "deg",
            "float32",
            _NAN,
            ("data", "auxiliary", "incidence-angle"),
            _STATIC,
        ),
        Layer(
            "interpolated_dem",
            "Interpolated DEM",
            "Height above the WGS 84 ellipsoid, as used in the correction",
            "m",
            "float32",
            _NAN,
            ("data", "auxiliary", "surface-model"),
            _STATIC,
        ),
    )
}

POLARIZATION_LAYERS = ("HH", "HV", "VV", "VH")


def layers_of(product: Product, polarizations: tuple[str, ...] = ()) -> tuple[Layer, ...]:
    """Layers a product must have, in the order of the table; backscatter only of the given polarizations."""
    return tuple(
        layer
        for layer in LAYERS.values()
        if product in layer.products
        and (layer.name not in POLARIZATION_LAYERS or layer.name in polarizations)
    )
