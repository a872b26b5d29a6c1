"""The burst job: everything that a container task needs to make one burst product."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rtcflow_contract.backscatter import Backscatter, NegativePower
from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.dem import DEFAULT_DEM
from rtcflow_contract.grid import Grid
from rtcflow_contract.keys import Location, collection_folder, grid_key, job_folder, product_folder
from rtcflow_contract.layers import Product
from rtcflow_contract.model import FrozenModel
from rtcflow_contract.naming import Naming, item_name
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.product_id import product_id
from rtcflow_contract.request import Engine, OnExisting, OrbitChoice, Precision, SceneRequest
from rtcflow_contract.scene_id import SceneName, parse_scene_id, polarizations_of


class Sources(BaseModel):
    """Where inputs are fetched from.

    `scene` is `asf`, `cdse`, or the URI or path of a SAFE. The others are an `s3://` prefix, an `https://` prefix or a
    local folder with the layout of the public archive; `geoid` is a file. `cache` is the prefix or folder that keeps
    files of public archives, or `off`; None leaves the choice to whoever runs the job.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    scene: str
    more_scenes: tuple[str, ...] = ()
    orbits: str = PUBLIC_ORBITS
    more_orbits: tuple[str, ...] = ()
    dem: str = "s3://copernicus-dem-30m"
    geoid: str = "https://aria-geoid.s3.us-west-2.amazonaws.com/us_nga_egm2008_1_4326__agisoft.tif"
    cache: str | None = None


class BurstJob(BaseModel):
    """One burst in, one burst product out.

    `destination` is the folder of the product, `work` that of this job's outcome, `grid_store` the key under which the
    burst's grid is stored once. `grid` set fixes the grid; otherwise it is taken from the linked static product,
    the grid store, or the burst's own footprint, in this order. `burst_index` is the burst's position in its sub-swath,
    from 0, where the archive's catalogue gives it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 1
    execution: str
    execution_started: AwareDatetime
    scene: SceneName
    burst_id: BurstId
    product: Product
    product_id: str
    product_version: str
    polarizations: tuple[str, ...]
    sensing_start: AwareDatetime
    burst_index: int | None = None
    resolution: int
    output_crs: int | None = None
    dem: str = DEFAULT_DEM
    dem_datum: str | None = None
    engine: Engine = Engine.AUTO
    backscatter: Backscatter = Backscatter.GAMMA0
    bistatic_correction: bool = True
    troposphere_correction: bool = True
    tide_correction: bool = False
    align_area_factors: bool = False
    negative_power: NegativePower = NegativePower.CLIP
    orbit: OrbitChoice = OrbitChoice.BEST
    on_existing: OnExisting = OnExisting.SKIP
    naming: Naming = Naming.OPERA
    precision: Precision = Precision.FULL
    sources: Sources
    collection: str
    destination: Location
    collection_folder: Location
    work: Location
    grid: Grid | None = None
    grid_store: Location | None = None
    linked_static: Location | None = None

    @property
    def item(self) -> Location:
        """Where the STAC item is if the product's version is in use."""
        return self.destination.join(item_name(self.naming, self.product_id))


class LocalPlaces(FrozenModel):
    """Folders of this machine in place of a request's buckets: products, static products to link to, and grids.

    Burst folders are directly below `out` and `static`, one collection in each. `grids` has a folder grids/.
    """

    out: Location
    static: Location | None = None
    grids: Location


def make_job(
    request: SceneRequest,
    *,
    product: Product,
    burst_id: str,
    sensing_start: datetime,
    execution: str,
    execution_started: datetime,
    work_bucket: str | Location,
    product_version: str,
    sources: Sources,
    burst_index: int | None = None,
    places: LocalPlaces | None = None,
) -> BurstJob:
    """The job of one burst of a scene request.

    `product` may be RTC_S1_STATIC for an RTC_S1 request: the job then makes the static product that the request links
    to, in its folder and collection. `places` replace the request's buckets.
    """
    scene = parse_scene_id(request.scene)
    for_link = product is Product.RTC_S1_STATIC and request.product is Product.RTC_S1
    if for_link:
        bucket = request.linked_static_layers_s3_bucket
        folder = request.linked_static_layers_s3_project_folder
        collection = request.linked_static_layers_collection
    else:
        bucket, folder, collection = request.s3_bucket, request.s3_project_folder, request.collection
    at, project = collection_folder(bucket, folder, collection), Location(bucket, folder)
    if places is not None:
        project = places.grids
        at = places.static if for_link and places.static is not None else places.out
    destination = product_folder(
        at.bucket, at.key, "", burst_id, product, sensing_start, request.naming, request.dem
    )
    return BurstJob(
        execution=execution,
        execution_started=execution_started,
        scene=request.scene,
        burst_id=burst_id,
        product=product,
        product_id=product_id(
            product,
            burst_id,
            sensing_start,
            execution_started,
            scene.platform,
            request.resolution,
            product_version,
            request.naming,
        ),
        product_version=product_version,
        polarizations=polarizations_of(request.polarizations, scene),
        sensing_start=sensing_start,
        burst_index=burst_index,
        resolution=request.resolution,
        output_crs=request.output_crs,
        dem=request.dem,
        dem_datum=request.dem_datum,
        engine=request.engine,
        backscatter=request.backscatter,
        bistatic_correction=request.bistatic_correction,
        troposphere_correction=request.troposphere_correction,
        tide_correction=request.tide_correction,
        align_area_factors=request.align_area_factors,
        negative_power=request.negative_power,
        orbit=request.orbit,
        on_existing=request.on_existing,
        naming=request.naming,
        precision=request.precision,
        sources=sources,
        collection=collection,
        destination=destination,
        collection_folder=at,
        work=job_folder(work_bucket, execution, product, burst_id),
        grid_store=grid_key(project.bucket, project.key, burst_id, request.output_crs, request.resolution),
        linked_static=linked_static_folder(request, burst_id, places)
        if request.link_static_layers and not for_link
        else None,
    )


def linked_static_folder(request: SceneRequest, burst_id: str, places: LocalPlaces | None = None) -> Location:
    """Folder of the static product that a burst of this request links to."""
    at = collection_folder(
        request.linked_static_layers_s3_bucket,
        request.linked_static_layers_s3_project_folder,
        request.linked_static_layers_collection,
    )
    if places is not None and places.static is not None:
        at = places.static
    return product_folder(
        at.bucket, at.key, "", burst_id, Product.RTC_S1_STATIC, datetime.min, request.naming, request.dem
    )
