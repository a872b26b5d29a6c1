"""Parameters of a sample scene: variant, platform, direction, polarizations and size."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import POLARIZATIONS
from rtcflow_local.sample.sensor import PLATFORMS, SWATHS

_Variant = Literal["coast", "sea", "antimeridian", "polar", "equator", "south"]
Direction = Literal["ascending", "descending"]


class Place(NamedTuple):
    """A variant's location in degrees, and its default direction and polarization.

    The point is that of the scene's first burst cycle; the pass among the 175 with the best view is used.
    """

    latitude: float
    longitude: float
    direction: Direction
    polarization: str
    cover: str


PLACES: dict[str, Place] = {
    "coast": Place(-34.40, 150.45, "descending", "DV", "temperate"),
    "sea": Place(-40.5, 156.5, "descending", "DV", "temperate"),
    "antimeridian": Place(-18.1, 179.99, "descending", "DV", "temperate"),
    "polar": Place(-69.4, 76.4, "descending", "DH", "polar"),
    "equator": Place(-0.2, 113.0, "descending", "DV", "temperate"),
    "south": Place(-77.5, -179.0, "descending", "DH", "polar"),
}
_FIRST_DAY = date(2014, 10, 3)


@dataclass(frozen=True)
class SampleSpec:
    """Parameters of a sample scene.

    Attributes
    ----------
    variant : {'coast', 'sea', 'antimeridian', 'polar', 'equator', 'south'}
        Place and kind of terrain.
    platform : str
        `S1A` to `S1D`.
    direction : {'ascending', 'descending'} or None
        None takes that of the variant.
    polarization : str or None
        Code of the scene id, `SH`, `SV`, `DH` or `DV`; None means that of the variant.
    swaths : tuple of str
        Includes `iw2`, which readers need for the timing of the others.
    bursts : int
        Bursts per sub-swath.
    lines, samples : int or None
        Size of a burst; None for full size. Spacings do not change, so that a smaller burst covers less ground.
    day : date or None
        The scene is taken on the first pass from this day on; None for a day of the platform's operation.
    corrections : bool
        Whether range and azimuth times include tropospheric delay and bistatic residual, like real ones.
    tides : bool
        Whether reflectors are moved by the solid earth tide.
    clutter : bool
        False leaves only reflectors, for tests of geolocation.
    speckle : bool
        False gives every pixel its expected power, for tests of geometry.
    seed : int
        Seed of speckle and thermal noise.
    scene : str or None
        Scene id to simulate: its pass, times and data take. `scene_pass.spec_of_scene` fills in the rest.
    """

    variant: _Variant = "coast"
    platform: str = "S1A"
    direction: Direction | None = None
    polarization: str | None = None
    swaths: tuple[str, ...] = ("iw1", "iw2")
    bursts: int = 2
    lines: int | None = 300
    samples: int | None = 4000
    day: date | None = None
    corrections: bool = True
    tides: bool = False
    clutter: bool = True
    speckle: bool = True
    seed: int = 1
    scene: str | None = None

    def __post_init__(self) -> None:
        wrong = [text for bad, text in _complaints(self) if bad]
        if wrong:
            raise RefusedError(f"the sample scene cannot be made: {'; '.join(wrong)}", reason="sample-spec")

    @classmethod
    def tiny(cls, **changes: object) -> "SampleSpec":
        """The smallest useful scene, for end-to-end tests: two sub-swaths of two bursts."""
        return replace(cls(lines=240, samples=1800), **changes)  # type: ignore[arg-type]

    @classmethod
    def full(cls, **changes: object) -> "SampleSpec":
        """Bursts of full size."""
        return replace(cls(lines=None, samples=None), **changes)  # type: ignore[arg-type]

    @property
    def place(self) -> Place:
        """Place of the variant."""
        return PLACES[self.variant]

    @property
    def polarization_code(self) -> str:
        """`DV` and the like."""
        return self.polarization or self.place.polarization

    @property
    def polarizations(self) -> tuple[str, ...]:
        """Channels, co-polarized first."""
        return POLARIZATIONS[self.polarization_code]

    @property
    def ascending(self) -> bool:
        """Direction of flight."""
        return (self.direction or self.place.direction) == "ascending"


def _complaints(spec: SampleSpec) -> list[tuple[bool, str]]:
    lines, samples = spec.lines or 1500, spec.samples or 20000
    return [
        (spec.variant not in PLACES, f"variant '{spec.variant}' is none of {', '.join(PLACES)}"),
        (spec.platform not in PLATFORMS, f"platform '{spec.platform}' is none of {', '.join(PLATFORMS)}"),
        (
            spec.polarization is not None and spec.polarization not in POLARIZATIONS,
            f"polarization '{spec.polarization}' is none of {', '.join(POLARIZATIONS)}",
        ),
        (spec.direction not in (None, "ascending", "descending"), f"direction '{spec.direction}' is unknown"),
        (
            "iw2" not in spec.swaths
            or not set(spec.swaths) <= set(SWATHS)
            or list(spec.swaths) != sorted(set(spec.swaths)),
            "swaths must be some of iw1, iw2, iw3 in this order, with iw2, which readers need",
        ),
        (not 1 <= spec.bursts <= 12, "bursts per sub-swath must be 1 to 12"),
        (
            spec.day is not None and spec.day < _FIRST_DAY,
            f"day lies before {_FIRST_DAY}, when the data of Sentinel-1 begin",
        ),
        (not 64 <= lines <= 1500, "lines per burst must be 64 to 1500"),
        (not 512 <= samples <= 21000, "samples per burst must be 512 to 21000"),
    ]
