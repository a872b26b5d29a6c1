"""The scene request: the payload that starts an execution."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from rtcflow_contract.backscatter import Backscatter, NegativePower, refuse_options
from rtcflow_contract.dem import DEFAULT_DEM, datum_choice, dem_choice, is_own
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.model import describe
from rtcflow_contract.naming import Naming, default_collection, fits_collection
from rtcflow_contract.payload_fields import (
    BucketName,
    BurstList,
    BurstsPerTask,
    CollectionName,
    Days,
    Epsg,
    Folder,
    OrbitSources,
    PolarizationChoice,
    SceneSources,
    polarization_choice,
)
from rtcflow_contract.scene_id import SceneName, parse_scene_id, polarizations_of


class Engine(StrEnum):
    """The engine; `auto` means isce3 if it is installed, else native."""

    AUTO = "auto"
    ISCE3 = "isce3"
    NATIVE = "native"


class OrbitChoice(StrEnum):
    """`precise` waits for the POEORB, `best` uses the best file available."""

    PRECISE = "precise"
    BEST = "best"


class OnExisting(StrEnum):
    """What to do with a burst whose product exists.

    `beside` makes the stack's product version beside a product of another version, and keeps one of the same version.
    """

    SKIP = "skip"
    REPLACE = "replace"
    BESIDE = "beside"


class OnMissingStatic(StrEnum):
    """What to do when static layers to be linked are missing."""

    FAIL = "fail"
    CREATE = "create"


class Compute(StrEnum):
    """Capacity of the burst tasks; `spot` falls back to `on_demand` after an interruption."""

    SPOT = "spot"
    ON_DEMAND = "on_demand"


class Precision(StrEnum):
    """Precision of backscatter: `full` is float32, `rounded` keeps 13 bits of the mantissa, within 0.0005 dB."""

    FULL = "full"
    ROUNDED = "rounded"


# From about 800 m on, a pixel has more samples than the native engine can average.
FINEST_M, COARSEST_M = 5, 500
DEFAULT_COLLECTIONS = {product: default_collection(Naming.OPERA, product, ()) for product in Product}


class SceneRequest(BaseModel):
    """A validated scene payload.

    Names and defaults are those of the sar-pipeline command that this system replaces; the bucket defaults to the
    stack's, the collection to that of the product. Fields after `linked_static_layers_collection` are new.
    `max_concurrency` is the number of container tasks that run at once, `bursts_per_task` the number of bursts in a
    task; `scene` means as many as the time limit of a task allows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    scene: SceneName
    """Sentinel-1 IW SLC scene, by its full name."""
    burst_id_list: BurstList = None
    """Bursts: a list, a text with spaces between them, or a `.txt` with one a line (a path or `s3://`);
    `t070_149815_iw3`, `T070-149815-IW3` and `070_149815_IW3` are the same. All bursts by default."""
    resolution: int = Field(default=20, ge=FINEST_M, le=COARSEST_M)
    """Pixel size in metres, 5 to 500."""
    output_crs: Epsg = None
    """EPSG code of a projected CRS in metres, like 3031. By default each burst's UTM zone, EPSG:3031 south of 60 S,
    EPSG:3413 north of 75 N."""
    dem: Annotated[str, AfterValidator(dem_choice)] = DEFAULT_DEM
    """DEM: `cop_glo30`, `rema_32`, `rema_10`, `rema_2`, `arcticdem_32`, `arcticdem_10`, `arcticdem_2`; `best` for REMA
    at 32 m south of 50 S where it has heights, else GLO-30; or the URI of a GeoTIFF, VRT or STAC item of your own."""
    product: Product = Product.RTC_S1
    """`RTC_S1`, backscatter, or `RTC_S1_STATIC`, its static layers."""
    s3_bucket: BucketName
    """Bucket of the products; that of the stack by default."""
    s3_project_folder: Folder = "experimental"
    """Folder in the bucket."""
    collection: CollectionName
    """STAC collection, a folder in the project folder; that of the product and its names by default."""
    link_static_layers: bool = False
    """Link each item to the static layers of its burst, and use their grid."""
    linked_static_layers_s3_bucket: BucketName
    """Bucket of the static layers; that of the products by default."""
    linked_static_layers_s3_project_folder: Folder = "experimental"
    """Folder of the static layers."""
    linked_static_layers_collection: CollectionName = DEFAULT_COLLECTIONS[Product.RTC_S1_STATIC]
    """Collection of the static layers."""

    dem_datum: Annotated[str, AfterValidator(datum_choice)] | None = None
    """Datum of the heights of your own DEM: `ellipsoid`, `egm2008`, or the URI of a geoid's raster."""
    engine: Engine = Engine.AUTO
    """Engine: `auto` takes `isce3` where it is installed, else `native`."""
    backscatter: Backscatter = Backscatter.GAMMA0
    """Convention: `gamma0`, `sigma0`, `beta0`, or `sigma0_ellipsoid`."""
    bistatic_correction: bool = True
    """Correct times for the motion between sending and receiving."""
    troposphere_correction: bool = True
    """Correct ranges for the delay in the troposphere."""
    tide_correction: bool = False
    """Correct positions for the tides of the solid earth (engine native)."""
    align_area_factors: bool = False
    """Compute area factors at the terrain's position in the image, delays included (engine native)."""
    negative_power: NegativePower = NegativePower.CLIP
    """Power that noise removal made negative: `clip` sets it to zero, as OPERA does, `keep` leaves it (native)."""
    polarizations: PolarizationChoice = "all"
    """Polarizations to make: `all`, `co`, `cross`, or names like `VV` or `VV+VH`; only these are fetched."""
    scene_source: SceneSources = ("asf",)
    """Where the scene comes from: `asf`, `cdse`, or `s3://` of a SAFE folder or zip; several, as a list or with
    commas, in order of preference: the next is used if one lacks the scene or is down."""
    orbit: OrbitChoice = OrbitChoice.BEST
    """`best` uses the best orbit file available now; `precise` waits for the precise one, some 20 days later."""
    precise_within: Days = None
    """Days to wait for the precise orbit before using the best available, like `25d`."""
    orbit_source: OrbitSources | None = None
    """Where to look for orbits: `asf`, `cdse`, `s3://` or `https://`; several in order of preference. The stack's by
    default."""
    on_existing: OnExisting = OnExisting.SKIP
    """What to do where a product exists: `skip`, `replace`, or `beside` for a new version beside the one in use."""
    on_missing_static: OnMissingStatic = OnMissingStatic.FAIL
    """What to do where static layers to be linked are missing: `fail` with the list, or `create` them."""
    naming: Naming = Naming.OPERA
    """Names of files, items and collections: `opera`, or `ga` for Digital Earth Australia's."""
    precision: Precision = Precision.FULL
    """Precision of backscatter: `full`, or `rounded` to 0.0005 dB, which compresses better."""
    compute: Compute = Compute.SPOT
    """Capacity of the tasks: `spot`, which falls back to on-demand, or `on_demand`."""
    max_concurrency: int = Field(default=30, ge=1, le=40)
    """Tasks that run at once, up to 40."""
    bursts_per_task: BurstsPerTask = "auto"
    """Bursts of one task: a number, `scene` (as many as a task may have) or `auto`."""

    @model_validator(mode="after")
    def _engine_makes_it(self) -> Self:
        try:
            refuse_options(
                self.engine.value,
                self.backscatter,
                self.tide_correction,
                self.align_area_factors,
                self.negative_power,
            )
        except RefusedError as error:
            raise ValueError(error.message) from error
        return self

    @model_validator(mode="after")
    def _own_dem_has_a_datum(self) -> Self:
        if is_own(self.dem) and self.dem_datum is None:
            raise ValueError(
                "a DEM of your own needs dem_datum: ellipsoid, egm2008, or the URI of a geoid's raster"
            )
        if self.dem_datum is not None and not is_own(self.dem):
            raise ValueError(f"dem_datum is for a DEM of your own; that of {self.dem} is known, leave it out")
        return self

    @model_validator(mode="after")
    def _polarizations_are_there(self) -> Self:
        polarizations_of(self.polarizations, parse_scene_id(self.scene))
        return self

    @model_validator(mode="after")
    def _waits_for_one_orbit(self) -> Self:
        if self.precise_within is not None and self.orbit is OrbitChoice.PRECISE:
            raise ValueError(
                "precise_within falls back to the best orbit, orbit precise never does; give one of them"
            )
        return self

    @model_validator(mode="after")
    def _static_links_nothing(self) -> Self:
        if self.product is Product.RTC_S1_STATIC and self.link_static_layers:
            raise ValueError("link_static_layers goes with product RTC_S1; a static product links to none")
        return self

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        _refuse_misfit(self)
        return self


def _refuse_misfit(request: SceneRequest) -> None:
    """Raise ValueError if a request asks for something that its naming scheme cannot express."""
    if request.naming is Naming.OPERA:
        return
    polarizations = polarizations_of(request.polarizations, parse_scene_id(request.scene))
    if request.product is Product.RTC_S1 and not request.link_static_layers:
        raise ValueError(
            "naming ga needs static layers, since its product definitions have them; set link_static_layers"
        )
    if request.on_existing is OnExisting.BESIDE:
        raise ValueError("naming ga cannot hold a version beside another; give another collection")
    if request.backscatter is not Backscatter.GAMMA0:
        raise ValueError("naming ga has product definitions for gamma0 only; set backscatter to gamma0")
    for product, name in (
        (request.product, request.collection),
        (Product.RTC_S1_STATIC, request.linked_static_layers_collection),
    ):
        if not fits_collection(request.naming, product, polarizations, name):
            raise ValueError(
                f"naming ga has collections by polarization, here "
                f"{default_collection(request.naming, product, polarizations)} and not {name}; leave it out"
            )


def parse_request(payload: Any, default_bucket: str) -> SceneRequest:
    """Validate a scene payload.

    Parameters
    ----------
    payload : dict
        The execution's input. `burst_id_list` is a list or a string; a `.txt` must have been read before.
    default_bucket : str
        The stack's own products bucket.

    Raises
    ------
    RefusedError
        Names every wrong field at once.
    """
    if not isinstance(payload, dict):
        raise RefusedError("the scene payload must be a JSON object with at least 'scene'", reason="payload")
    values = {key: value for key, value in payload.items() if value is not None}
    if not values.get("s3_bucket"):
        values["s3_bucket"] = default_bucket
    if not values.get("linked_static_layers_s3_bucket"):
        values["linked_static_layers_s3_bucket"] = values["s3_bucket"]
    for field, product in (
        ("collection", values.get("product", Product.RTC_S1)),
        ("linked_static_layers_collection", Product.RTC_S1_STATIC),
    ):
        if not values.get(field):
            values[field] = _default_collection(values, product)
    try:
        return SceneRequest.model_validate(values)
    except ValidationError as error:
        raise RefusedError(f"the scene payload was refused: {describe(error)}", reason="payload") from error


def _default_collection(values: dict[str, Any], product: Any) -> str:
    """The collection if the payload names none; wrong values of other fields are left to the model."""
    naming, product = (
        values.get("naming", Naming.OPERA),
        product if product in list(Product) else Product.RTC_S1,
    )
    if naming not in list(Naming):
        naming = Naming.OPERA
    try:
        scene = parse_scene_id(str(values.get("scene")))
        polarizations = polarizations_of(polarization_choice(values.get("polarizations", "all")), scene)
    except (RefusedError, ValueError):
        polarizations = ()
    return default_collection(Naming(naming), Product(product), polarizations)
