"""Conversion between gamma0, sigma0, beta0 and sigma0 on the ellipsoid.

With the layers of a static product: beta0 = gamma0 x rtc_anf_gamma0_to_beta0, sigma0 = gamma0 x
rtc_anf_gamma0_to_sigma0, and on the ellipsoid sigma0 = beta0 x sin(incidence_angle) (Small 2011, doi
10.1109/TGRS.2011.2120616). Values are linear power; arrays may be NumPy's or xarray's.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rtcflow_contract.backscatter import Backscatter

_TO_BETA0, _TO_SIGMA0 = "rtc_anf_gamma0_to_beta0", "rtc_anf_gamma0_to_sigma0"
_INCIDENCE = "incidence_angle"
_LAYERS = {
    Backscatter.GAMMA0: frozenset[str](),
    Backscatter.SIGMA0: frozenset({_TO_SIGMA0}),
    Backscatter.BETA0: frozenset({_TO_BETA0}),
    Backscatter.SIGMA0_ELLIPSOID: frozenset({_TO_BETA0, _INCIDENCE}),
}


def layers_for(source: Backscatter | str, target: Backscatter | str) -> frozenset[str]:
    """Names of the static layers that a conversion needs; none from a convention to itself."""
    source, target = Backscatter(source), Backscatter(target)
    if source is target:
        return frozenset()
    # Between beta0 and the ellipsoid the terrain does not matter.
    return (
        _LAYERS[source] ^ _LAYERS[target]
        if _TO_BETA0 in _LAYERS[source]
        else _LAYERS[source] | _LAYERS[target]
    )


def factor(source: Backscatter | str, target: Backscatter | str, layers: Mapping[str, Any]) -> Any:
    """Factor by which values of `source` are multiplied to give `target`.

    Parameters
    ----------
    source, target : Backscatter or str
    layers : mapping of str to array
        The static layers of `layers_for`, (rows, cols); angles in degrees.

    Returns
    -------
    array or float
        Float64; NaN where a layer has no value.
    """
    factors = {
        _TO_BETA0: lambda: np.asarray(1.0) * layers[_TO_BETA0],
        _TO_SIGMA0: lambda: np.asarray(1.0) * layers[_TO_SIGMA0],
        _INCIDENCE: lambda: np.sin(np.radians(np.asarray(1.0) * layers[_INCIDENCE])),
    }
    needed = layers_for(source, target)
    found: Any = 1.0
    for name in sorted(_LAYERS[Backscatter(target)] & needed):
        found = found * factors[name]()
    for name in sorted(_LAYERS[Backscatter(source)] & needed):
        found = found / factors[name]()
    return found


def convert(
    values: Any, source: Backscatter | str, target: Backscatter | str, layers: Mapping[str, Any]
) -> Any:
    """Convert backscatter, linear power, to another convention; parameters are those of `factor`."""
    return values * factor(source, target, layers)
