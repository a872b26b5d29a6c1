"""A bucket of products whose items the STAC code wrote, and whose files have no pixels."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob, Sources, make_job
from rtcflow_contract.keys import MANIFEST, Location
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import (
    Acquisition,
    EngineInfo,
    InputRef,
    Manifest,
    ProductFile,
    Resources,
)
from rtcflow_contract.product_id import layer_file_name
from rtcflow_contract.request import parse_request
from rtcflow_files import storage
from rtcflow_scene.assembly import StacSettings, assemble_stac
from rtcflow_stac.context import HrefStyle, Processor

SETTINGS = StacSettings(HrefStyle.S3, "us-east-1", Processor("Ice Institute"), "CC-BY-4.0")
FIRST = datetime(2022, 1, 1, 12, 47, 52, tzinfo=UTC)
BURSTS = ("t070_149815_iw3", "t070_149816_iw3", "t070_149817_iw3")


class Spec(NamedTuple):
    """A product to make; `days` after the first of 2022."""

    burst: int = 0
    days: int = 0
    product: Product = Product.RTC_S1
    version: str = "0.1"
    engine: str = "native"
    orbit: str = "POEORB"
    made: datetime = datetime(2025, 4, 8, tzinfo=UTC)
    payload: dict[str, Any] = {}  # noqa: RUF012


def scene_of(days: int) -> str:
    start = FIRST + timedelta(days=days, seconds=-8)
    return f"S1A_IW_SLC__1SDV_{start:%Y%m%dT%H%M%S}_{start + timedelta(seconds=27):%Y%m%dT%H%M%S}_041267_04E7A2_1DAD"


def job_of(spec: Spec) -> BurstJob:
    request = parse_request(
        {"scene": scene_of(spec.days), "product": spec.product.value, **spec.payload}, "products"
    )
    return make_job(
        request,
        product=spec.product,
        burst_id=BURSTS[spec.burst],
        sensing_start=FIRST + timedelta(days=spec.days),
        execution=f"run-{spec.made:%Y%m%d}",
        execution_started=spec.made,
        work_bucket="work",
        product_version=spec.version,
        sources=Sources(scene="s3://scenes/x.SAFE"),
    )


def manifest_of(spec: Spec, job: BurstJob) -> Manifest:
    start = FIRST + timedelta(days=spec.days)
    files = tuple(
        ProductFile(
            name=layer_file_name(job.product_id, layer.name),
            kind="layer",
            layer=layer.name,
            media_type="image/tiff",
            size=len(body(job, layer.name)),
            sha256=hashlib.sha256(body(job, layer.name)).hexdigest(),
        )
        for layer in layers_of(spec.product, ("VV", "VH"))
    )
    west = 149.0 + 0.3 * spec.burst
    south = -35.2 if spec.product is Product.RTC_S1_STATIC else -35.0
    ring = [[west, south], [west + 1, south], [west + 1, -34.8], [west, -34.8], [west, south]]
    inputs = [InputRef(kind="scene", id=job.scene, href="s3://scenes/x.SAFE")]
    if job.linked_static:
        inputs.append(InputRef(kind="static", id=job.burst_id, href=str(job.linked_static.join(MANIFEST))))
    return Manifest(
        product=spec.product,
        product_id=job.product_id,
        product_version=spec.version,
        collection=job.collection,
        scene=job.scene,
        burst_id=job.burst_id,
        execution=job.execution,
        created=spec.made,
        engine=EngineInfo(name=spec.engine, versions={"rtcflow": "0.1.0"}),
        acquisition=Acquisition(
            platform="S1A",
            start=start,
            stop=start + timedelta(seconds=3),
            orbit_state="descending",
            absolute_orbit=41267,
            relative_orbit=70,
            polarizations=("VV", "VH"),
            swath="iw3",
            center_frequency_hz=5.405e9,
            range_spacing_m=2.33,
            azimuth_spacing_m=13.9,
            incidence_angle_deg=43.9,
            ipf_version="003.40",
            orbit_type=spec.orbit,
        ),
        grid=Grid(epsg=32755, left=500000, top=6000000, spacing=20, rows=10, cols=20),
        footprint={"type": "Polygon", "coordinates": [ring]},
        bbox=(west, south, west + 1, -34.8),
        files=files,
        inputs=tuple(inputs),
        parameters={"resolution": 20, "output_crs": job.output_crs, "dem": "cop_glo30", "orbit": "precise"},
        resources=Resources(
            seconds=60, cpu_seconds=90, peak_memory_bytes=1, bytes_fetched=1, bytes_written=1, stages={}
        ),
    )


def body(job: BurstJob, layer: str) -> bytes:
    return f"{job.product_id} {layer}".encode()


def put_files(spec: Spec, job: BurstJob | None = None) -> tuple[BurstJob, Manifest]:
    """The files of a product, as a task leaves them before it commits."""
    job = job or job_of(spec)
    manifest = manifest_of(spec, job)
    for file in manifest.files:
        storage.write_bytes(job.destination.join(file.name), body(job, file.layer))
    return job, manifest


def put_product(spec: Spec) -> Location:
    """A whole product; gives its folder."""
    job, manifest = put_files(spec)
    storage.write_bytes(job.destination.join(MANIFEST), manifest.model_dump_json().encode())
    assemble_stac(job, SETTINGS)
    return job.destination
