"""Parameters of the manifest on the smoothness of an orbit."""

from typing import Literal

# Real orbits are fitted to well below this.
_SMOOTH_M = 0.005
# Effect of a step of 2 to 3 cm, depending on its place; native fits one curve, isce3 interpolates between vectors.
_EFFECT = {"native": "0.02 to 0.04", "isce3": "0.006 to 0.18"}


def orbit_fit_record(residual_m: float, engine: Literal["native", "isce3"]) -> dict[str, object]:
    """Parameters on how smooth the orbit is, with a note on the effect if the residual is above 5 mm."""
    record: dict[str, object] = {"orbit_fit_residual_m": round(residual_m, 4)}
    if residual_m > _SMOOTH_M:
        record["orbit_fit_note"] = (
            f"state vectors lie up to {100 * residual_m:.1f} cm from a smooth orbit; a step of 3 cm changes "
            f"backscatter by {_EFFECT[engine]} dB at the 99th percentile with engine {engine}"
        )
    return record
