"""The `renders` of a collection, by which titiler and STAC browsers display layers."""

from typing import Any

from rtcflow_contract.layers import MASK_CLASSES, Product
from rtcflow_contract.naming import SCHEMES, Naming

# Linear power displayed as black and white: -20 dB and -3 dB co-polarized, 7 dB lower cross-polarized.
_STRETCH = {"VV": [0.01, 0.5], "HH": [0.01, 0.5], "VH": [0.002, 0.1], "HV": [0.002, 0.1]}
# In dB, for viewers that compute an expression before stretching.
_STRETCH_DB = {"VV": [-20, 0], "HH": [-20, 0], "VH": [-27, -7], "HV": [-27, -7]}


def renders(product: Product, naming: Naming, polarizations: tuple[str, ...]) -> dict[str, Any]:
    """Renders by name: backscatter in dB and in linear power, the mask by its classes, static layers in grey."""
    assets = SCHEMES[naming].assets
    found: dict[str, Any] = {
        "mask": {
            "title": "Layover and shadow by class",
            "assets": [assets["mask"]],
            "colormap": {
                str(kind.value): [
                    *(int(kind.color[at : at + 2], 16) for at in (0, 2, 4)),
                    0 if kind.name == "fill" else 255,
                ]
                for kind in MASK_CLASSES
            },
            "resampling": "nearest",
        }
    }
    if product is Product.RTC_S1_STATIC:
        return {
            "local_incidence_angle": {
                "title": "Local incidence angle",
                "assets": [assets["local_incidence_angle"]],
                "rescale": [[0, 90]],
                "resampling": "average",
            },
            **found,
        }
    for name in polarizations:
        key = assets[name]
        found[f"{name.lower()}_db"] = {
            "title": f"{name} gamma0 in dB",
            "assets": [key],
            "expression": f"10*log10({key})",
            "rescale": [_STRETCH_DB[name]],
            "resampling": "average",
        }
        found[name.lower()] = {
            "title": f"{name} gamma0",
            "assets": [key],
            "rescale": [_STRETCH[name]],
            "resampling": "average",
        }
    return found
