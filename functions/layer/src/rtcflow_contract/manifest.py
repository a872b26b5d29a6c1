"""The manifest of a burst product: written after all its files, it commits the product."""

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Statistics(_Model):
    """Of a layer's valid pixels, in the layer's unit; `valid_percent` of all pixels of the grid."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    valid_percent: float


class ProductFile(_Model):
    """One file of the product; `layer` is set for rasters of the layer table, `statistics` with it."""

    name: str
    kind: Literal["layer", "browse", "metadata"]
    layer: str | None = None
    media_type: str
    size: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    statistics: Statistics | None = None
    class_counts: dict[str, int] | None = None


class InputRef(_Model):
    """What a product was made from: kind, the archive's own id, and where it was fetched."""

    kind: Literal["scene", "orbit", "dem", "geoid", "static"]
    id: str
    href: str


class Acquisition(_Model):
    """The burst's radar acquisition; times are zero-Doppler times, UTC.

    `processed` is when the scene was processed from raw data, where its SAFE says so.
    """

    platform: Literal["S1A", "S1B", "S1C", "S1D"]
    start: AwareDatetime
    stop: AwareDatetime
    orbit_state: Literal["ascending", "descending"]
    absolute_orbit: int
    relative_orbit: int
    polarizations: tuple[str, ...]
    swath: str
    look_side: Literal["right", "left"] = "right"
    center_frequency_hz: float
    range_spacing_m: float
    azimuth_spacing_m: float
    incidence_angle_deg: float
    ipf_version: str
    orbit_type: Literal["POEORB", "RESORB", "predicted"]
    processed: AwareDatetime | None = None


class EngineInfo(_Model):
    """Engine and versions of the software that computed.

    `compiled` is the state of the code whose compiled form computed, as a checksum; None where nothing is compiled.
    """

    name: Literal["native", "isce3"]
    versions: dict[str, str]
    compiled: str | None = None


class Resources(_Model):
    """What the job used; `stages` in seconds of wall time."""

    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    bytes_fetched: int
    bytes_written: int
    stages: dict[str, float]


class Manifest(_Model):
    """A committed burst product.

    `item_id` is the id of the STAC item where that is not `product_id`: the item of a product that takes the place of
    another of its version keeps the id, so that catalogues replace it. `footprint` is the GeoJSON geometry (Polygon,
    or MultiPolygon split at the antimeridian) of valid data in WGS 84, `bbox` its (west, south, east, north) with
    west > east across the antimeridian.
    """

    version: int = 1
    product: Product
    product_id: str
    product_version: str
    item_id: str | None = None
    collection: str
    scene: str
    burst_id: BurstId
    execution: str
    created: AwareDatetime
    engine: EngineInfo
    acquisition: Acquisition
    grid: Grid
    footprint: dict[str, Any]
    bbox: tuple[float, float, float, float]
    files: tuple[ProductFile, ...]
    inputs: tuple[InputRef, ...]
    parameters: dict[str, Any]
    resources: Resources

    def file_of_layer(self, layer: str) -> ProductFile | None:
        """The file of a layer, or None when the product has no such layer."""
        return next((file for file in self.files if file.layer == layer), None)
