"""Land cover classes and their gamma0 in the simulation, co- and cross-polarized."""

from typing import NamedTuple

import numpy as np

SEA, LAKE, PASTURE, FIELD_A, FIELD_B, FIELD_C, FOREST, CITY, ROCK = range(9)


class Cover(NamedTuple):
    """A class; gamma0 in dB for co- and cross-polarized channels."""

    name: str
    co_db: float
    cross_db: float


COVERS: dict[str, tuple[Cover, ...]] = {
    "temperate": (
        Cover("sea", -16.0, -25.0),
        Cover("lake", -19.0, -27.0),
        Cover("pasture", -11.5, -18.0),
        Cover("field_a", -10.0, -16.0),
        Cover("field_b", -8.5, -15.0),
        Cover("field_c", -13.0, -20.0),
        Cover("forest", -7.0, -12.5),
        Cover("city", -2.0, -9.5),
        Cover("rock", -9.0, -16.5),
    ),
    "polar": (
        Cover("sea", -15.0, -24.0),
        Cover("frozen_lake", -17.0, -24.5),
        Cover("blue_ice", -12.5, -20.0),
        Cover("wet_snow", -14.0, -21.5),
        Cover("firn", -6.0, -11.0),
        Cover("fast_ice", -10.5, -17.0),
        Cover("percolation_snow", -4.0, -9.0),
        Cover("station", -2.0, -9.5),
        Cover("rock", -9.0, -16.5),
    ),
}


def gamma0_table(cover: str, polarizations: tuple[str, ...]) -> np.ndarray:
    """Linear gamma0, shape (polarizations, classes)."""
    rows = [
        [entry.co_db if polarization[0] == polarization[1] else entry.cross_db for entry in COVERS[cover]]
        for polarization in polarizations
    ]
    return 10 ** (np.array(rows) / 10)
