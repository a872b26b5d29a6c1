"""Names of a SAFE's files.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section on product naming.
"""

from dataclasses import dataclass
from datetime import timedelta

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.sensor import LINE_INTERVAL

IPF_VERSION = "003.71"


@dataclass(frozen=True)
class Image:
    """One sub-swath in one polarization: a measurement file and its annotation."""

    swath: Swath
    channel: int
    polarization: str
    number: int
    stem: str

    @property
    def annotation(self) -> str:
        """Path of the product annotation in the SAFE."""
        return f"annotation/{self.stem}.xml"

    @property
    def calibration(self) -> str:
        """Path of the calibration annotation in the SAFE."""
        return f"annotation/calibration/calibration-{self.stem}.xml"

    @property
    def noise(self) -> str:
        """Path of the noise annotation in the SAFE."""
        return f"annotation/calibration/noise-{self.stem}.xml"

    @property
    def rfi(self) -> str:
        """Path of the radio interference annotation in the SAFE."""
        return f"annotation/rfi/rfi-{self.stem}.xml"

    @property
    def measurement(self) -> str:
        """Path of the pixels in the SAFE."""
        return f"measurement/{self.stem}.tiff"


def images_of(acquisition: SimulatedAcquisition) -> list[Image]:
    """Images of a scene; ESA numbers those of the cross-polarized channel first."""
    images: list[Image] = []
    for polarization in sorted(acquisition.spec.polarizations, key=lambda p: (p[0] == p[1], p)):
        for swath in acquisition.swaths:
            number = len(images) + 1
            start, stop = acquisition.utc(swath.first_us), acquisition.utc(swath.last_us)
            stem = (
                f"{acquisition.spec.platform}-{swath.name}-slc-{polarization}-{start:%Y%m%dT%H%M%S}-{stop:%Y%m%dT%H%M%S}"
                f"-{acquisition.absolute_orbit:06d}-{acquisition.datatake:06x}-{number:03d}"
            ).lower()
            channel = acquisition.spec.polarizations.index(polarization)
            images.append(Image(swath, channel, polarization, number, stem))
    return images


def scene_name(acquisition: SimulatedAcquisition, unique: int) -> str:
    """Scene id; `unique` is the checksum of the manifest, 16 bits."""
    spec = acquisition.spec
    if spec.scene is not None:
        return spec.scene
    start = acquisition.utc(acquisition.start_us)
    stop = acquisition.utc(acquisition.stop_us) + timedelta(seconds=LINE_INTERVAL)
    return (
        f"{spec.platform}_IW_SLC__1S{spec.polarization_code}_{start:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}"
        f"_{acquisition.absolute_orbit:06d}_{acquisition.datatake:06X}_{unique:04X}"
    )


def header(acquisition: SimulatedAcquisition, image: Image) -> dict[str, str | int]:
    """The `adsHeader` that every annotation file opens with."""
    return {
        "missionId": acquisition.spec.platform,
        "productType": "SLC",
        "polarisation": image.polarization,
        "mode": "IW",
        "swath": image.swath.name.upper(),
        "startTime": f"{acquisition.utc(image.swath.first_us):%Y-%m-%dT%H:%M:%S.%f}",
        "stopTime": f"{acquisition.utc(image.swath.last_us):%Y-%m-%dT%H:%M:%S.%f}",
        "absoluteOrbitNumber": acquisition.absolute_orbit,
        "missionDataTakeId": acquisition.datatake,
        "imageNumber": f"{image.number:03d}",
    }
