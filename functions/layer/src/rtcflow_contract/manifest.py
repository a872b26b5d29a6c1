"""The manifest of a burst product: written after all its files, it commits the product."""

from typing import Any, Literal

from pydantic import AwareDatetime, Field

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_contract.model import FrozenModel
from rtcflow_contract.naming import Naming, item_name


class Statistics(FrozenModel):
    """Statistics of a layer's valid pixels in the layer's unit; `valid_percent` is their share of the grid.

    For backscatter they cover the 2nd to the 98th percentile, since one bright target would turn every default display
    black; `lowest` and `highest` are the extremes of all valid pixels.
    """

    minimum: float | None
    maximum: float | None
    mean: float | None
    stddev: float | None
    valid_percent: float
    lowest: float | None = None
    highest: float | None = None


class ProductFile(FrozenModel):
    """One file of the product; `layer` is set for rasters of the layer table, `statistics` with it."""

    name: str
    kind: Literal["layer", "browse", "metadata", "configuration", "checksum", "style"]
    layer: str | None = None
    media_type: str
    size: int
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    statistics: Statistics | None = None
    class_counts: dict[str, int] | None = None
    header_size: int | None = None


class InputRef(FrozenModel):
    """An input of a product: its kind, its id in the archive, and where it was fetched from."""

    kind: Literal["scene", "orbit", "dem", "geoid", "static"]
    id: str
    href: str


class Acquisition(FrozenModel):
    """The burst's radar acquisition; times are zero-Doppler times, UTC.

    `processed` is when the scene was processed from raw data, if its SAFE says so.
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


class NoiseLevel(FrozenModel):
    """Noise equivalent sigma0 over a burst, in dB."""

    minimum: float
    mean: float
    maximum: float


class Rfi(FrozenModel):
    """Radio frequency interference as the scene reports it (`annotation/rfi`), by polarization.

    `report` holds the processor's detections; their times and shares are in the HDF5 file.
    """

    mitigation_performed: bool | None
    report: dict[str, dict[str, Any]]


class Quality(FrozenModel):
    """Quality of a burst from the scene's metadata; angles in degrees.

    `heading_deg` is clockwise from north, `altitude_m` above the WGS 84 ellipsoid at the middle of the burst,
    `timeliness` the category of the scene's production, `border_pixels` the number of rows or columns without any valid
    pixel at the top, right, bottom and left.
    """

    near_incidence_deg: float
    far_incidence_deg: float
    heading_deg: float | None = None
    altitude_m: float | None = None
    range_resolution_m: float
    azimuth_resolution_m: float
    equivalent_looks: float | None = None
    noise_equivalent_sigma0_db: dict[str, NoiseLevel] = Field(default_factory=dict)
    border_pixels: tuple[int, int, int, int] | None = None
    rfi: Rfi | None = None
    timeliness: str | None = None


class GeometricAccuracy(FrozenModel):
    """Absolute location error that an operator's campaign found, in metres along the map's axes."""

    bias_x_m: float
    bias_y_m: float
    stddev_x_m: float
    stddev_y_m: float
    reference: str


class EngineInfo(FrozenModel):
    """The engine and the versions of its software.

    `compiled` is a checksum of the compiled code; None for an engine that does not compile.
    """

    name: Literal["native", "isce3"]
    versions: dict[str, str]
    compiled: str | None = None


class Resources(FrozenModel):
    """What the job used; `stages` in seconds of wall time."""

    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    bytes_fetched: int
    bytes_written: int
    stages: dict[str, float]


class Manifest(FrozenModel):
    """A committed burst product.

    `item_id` is the id of the STAC item if it differs from `product_id`: the item of a product that replaces another of
    the same version keeps the earlier id, so that catalogues replace it. `replaces` is the id of the item of the
    version that was in use before. `footprint` is the GeoJSON geometry (Polygon, or MultiPolygon split at the
    antimeridian) of valid data in WGS 84, `bbox` its (west, south, east, north) with west > east across the
    antimeridian. `notes` are sentences on what is unusual about the product: entirely over sea, DEM voids, lines
    without data, files that could not be checked.
    """

    version: int = 1
    product: Product
    product_id: str
    product_version: str
    item_id: str | None = None
    replaces: str | None = None
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
    naming: Naming = Naming.OPERA
    quality: Quality | None = None
    accuracy: GeometricAccuracy | None = None
    notes: tuple[str, ...] = ()

    @property
    def item(self) -> str:
        """Name of the product's STAC item while its version is in use."""
        return item_name(self.naming, self.product_id)

    def file_of_layer(self, layer: str) -> ProductFile | None:
        """The file of a layer, or None when the product has no such layer."""
        return next((file for file in self.files if file.layer == layer), None)
