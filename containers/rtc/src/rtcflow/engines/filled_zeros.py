"""What a manifest and the user are told of samples where nothing was received."""

from collections.abc import Mapping


def fill_record(filled: Mapping[str, float]) -> dict[str, float]:
    """Filled shares of the valid samples, 0 to 1 by polarization, as a manifest has them: percent."""
    return {name: round(100 * share, 3) for name, share in filled.items()}


def fill_notes(filled: Mapping[str, float]) -> tuple[str, ...]:
    """What a user should know of filled shares, 0 to 1, by polarization."""
    return tuple(
        f"{name}: {100 * share:.2g} % of the samples are zeros that were filled in where nothing was received: no data"
        for name, share in filled.items()
        if share > 0
    )
