"""What a manifest says of an orbit whose state vectors are not smooth."""

from typing import Literal

# A real orbit is fitted to well under this.
_SMOOTH_M = 0.005
# Of a step of 2 to 3 cm, by where it lies; native fits one curve through it, isce3 interpolates between its vectors.
_EFFECT = {"native": "0.02 to 0.04", "isce3": "0.006 to 0.18"}


def orbit_fit_record(residual_m: float, engine: Literal["native", "isce3"]) -> dict[str, object]:
    """Parameters of the processing that tell how smooth the orbit is, and above 5 mm what that does."""
    record: dict[str, object] = {"orbit_fit_residual_m": round(residual_m, 4)}
    if residual_m > _SMOOTH_M:
        record["orbit_fit_note"] = (
            f"state vectors lie up to {100 * residual_m:.1f} cm from a smooth orbit; a step of 3 cm changes "
            f"backscatter by {_EFFECT[engine]} dB at the 99th percentile with engine {engine}"
        )
    return record
