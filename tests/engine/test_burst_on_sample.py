"""The whole burst stage with the native engine on the sample scene: products from S3, and every fault of an input."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import boto3
import h5py
import pytest
import rasterio
from moto import mock_aws
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import shape

from rtcflow import container_task
from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow.resources import Meter
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob, make_job
from rtcflow_contract.keys import MANIFEST, OUTCOME
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.report import BurstOutcome, Outcome
from rtcflow_contract.request import parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.task import Task
from rtcflow_files import storage
from rtcflow_files.s3_clients import s3_client
from rtcflow_local.sample import SampleSpec, read_sample, write_sample
from tests.support import sample_faults

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The tiny sample, written once."""
    return write_sample(tmp_path_factory.mktemp("sample"), SampleSpec.tiny())


@pytest.fixture
def sample(written, tmp_path):
    """A copy that a test may break."""
    shutil.copytree(written.folder, tmp_path / "sample")
    return read_sample(tmp_path / "sample")


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        s3_client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in ("products", "work", "inputs"):
            s3.create_bucket(Bucket=bucket)
        yield s3
        s3_client.cache_clear()


def job_for(sample, burst_id=None, sources=None, product=Product.RTC_S1, execution="execution-1", **fields):
    """The job that planning would make, with local sources by default."""
    request = parse_request(
        {
            "scene": sample.scene,
            "scene_source": f"s3://inputs/{sample.scene}.SAFE",
            "product": product.value,
            **fields,
        },
        "products",
    )
    where = {"scene": sample.safe, "orbits": sample.orbit.parent, "dem": sample.dem, "geoid": sample.geoid}
    where |= sources or {}
    return make_job(
        request,
        product=product,
        burst_id=burst_id or sample.burst_ids[0],
        sensing_start=parse_scene_id(sample.scene).start,
        execution=execution,
        execution_started=datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC),
        work_bucket="work",
        product_version="0.1",
        sources={name: str(value) for name, value in where.items()},
    )


def upload(sample, s3):
    """Upload the sample to S3, in the layouts of the archives; returns the sources of a job."""
    for part in (sample.safe, sample.orbit.parent, sample.dem, sample.geoid.parent):
        for path in filter(Path.is_file, part.rglob("*")):
            s3.put_object(
                Bucket="inputs", Key=path.relative_to(sample.folder).as_posix(), Body=path.read_bytes()
            )
    return {
        "scene": f"s3://inputs/{sample.scene}.SAFE",
        "orbits": "s3://inputs/orbits",
        "dem": "s3://inputs/dem",
        "geoid": f"s3://inputs/geoid/{sample.geoid.name}",
    }


def run(job: BurstJob, folder):
    code = container_task.run(Task(execution=job.execution, number=0, jobs=(job,)), work_parent=folder)
    outcome = BurstOutcome.model_validate_json(storage.read_bytes(job.work.join(OUTCOME)))
    return code, outcome


def manifest_of(job):
    return Manifest.model_validate_json(storage.read_bytes(job.destination.join(MANIFEST)))


def test_a_product_made_from_s3_is_complete_and_opens(aws, written, tmp_path):
    job = job_for(written, sources=upload(written, aws))
    code, outcome = run(job, tmp_path)
    assert (code, outcome.outcome) == (0, Outcome.MADE), outcome.message
    manifest = manifest_of(job)
    for file in manifest.files:
        storage.fetch(job.destination.join(file.name), tmp_path)
    for layer in layers_of(Product.RTC_S1, written.polarizations):
        path = tmp_path / manifest.file_of_layer(layer.name).name
        assert cog_validate(path, strict=True)[0]
        with rasterio.open(path) as source:
            assert source.crs.to_epsg() == manifest.grid.epsg
            assert source.shape == manifest.grid.shape
            assert source.tags()["BURST_ID"] == job.burst_id
    assert manifest.file_of_layer(written.polarizations[0]).statistics.mean > 0
    assert shape(manifest.footprint).is_valid
    with h5py.File(tmp_path / f"{job.product_id}.h5") as file:
        assert file["identification/burstID"][()].decode() == job.burst_id
        assert file["metadata/processingInformation/parameters/noiseCorrectionApplied"][()]
        assert file["metadata/orbit/position"].shape[1] == 3
        assert file["data/xCoordinates"].shape == (manifest.grid.cols,)


# Every difference of our HDF5 file from OPERA's: a pattern, and the reason.
DIFFERENCES = {
    r"type of identification/productVersion": "1.0.2 is not a number",
    r"attribute of data/projection .*_name|.*semi_minor_axis|.*longitude_of_prime_meridian": "what CF has besides",
    r"attribute of identification/boundingPolygon ogr_geometry": "tells GDAL what the text is",
    r"attribute of metadata/sourceData/.* units": "the specification has them in its text",
    r"more metadata/processingInformation/algorithms/(numba|numpy|pyproj|rasterio)Version": "what computed",
    r"more metadata/qa/rfi/.*": "the sample reports on interference, the reference scene of 2020 does not",
    r"more identification/boundingPolygon": "static layers have an outline too",
    r"attribute of metadata/qa/rfi/isRfiInfoAvailable .*": "as above",
}


def tree(path):
    """Type class, rank and attributes (name: type) of every dataset; those of the file under its root."""
    found = {}
    with h5py.File(path) as file:
        found["/"] = ("", 0, {name: type(value) for name, value in file.attrs.items()})

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                attributes = {key: type(value) for key, value in item.attrs.items()}
                found[name] = (item.dtype.kind, len(item.shape), attributes)

        file.visititems(visit)
    return found


def differences(theirs, ours):
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in ours:
            yield f"lacks {name}"
        elif name not in theirs:
            yield f"more {name}"
        else:
            (kind, rank, attributes), (our_kind, our_rank, our_attributes) = theirs[name], ours[name]
            if (kind, rank) != (our_kind, our_rank):
                yield f"type of {name}"
            for attribute in sorted(attributes.keys() | our_attributes.keys()):
                if attributes.get(attribute) != our_attributes.get(attribute):
                    yield f"attribute of {name} {attribute}"


@pytest.mark.parametrize(("product", "folder"), [("RTC_S1", "rtc-s1"), ("RTC_S1_STATIC", "rtc-s1-static")])
def test_the_metadata_file_differs_from_operas_only_as_listed(
    aws, written, tmp_path, product, folder, shared
):
    (reference,) = (shared / "reference" / "opera-output" / folder).glob("*.h5")
    job = job_for(written, product=Product(product))
    assert run(job, tmp_path)[0] == 0
    ours = storage.fetch(job.destination.join(f"{job.product_id}.h5"), tmp_path).rename(tmp_path / "x.h5")
    unexplained = [
        found
        for found in differences(tree(reference), tree(ours))
        if not any(re.fullmatch(pattern, found) for pattern in DIFFERENCES)
    ]
    assert unexplained == []
    with h5py.File(reference) as theirs, h5py.File(ours) as file:
        for name in ("interpMethod", "orbitType"):
            assert file[f"metadata/orbit/{name}"][()] == theirs[f"metadata/orbit/{name}"][()]
        algorithms = "metadata/processingInformation/algorithms"
        for name in ("geocoding", "radiometricTerrainCorrection", "demInterpolation", "demEgmModel"):
            assert file[f"{algorithms}/{name}"][()] == theirs[f"{algorithms}/{name}"][()]
        assert b"native" in file[f"{algorithms}/isce3Version"][()]
        assert file["identification/dataAccess"][()].decode() == str(job.destination)
        assert file.attrs["reference_document"] == theirs.attrs["reference_document"]
        # Without geometric accuracy and static layers no conformance is claimed.
        assert file["identification/ceosAnalysisReadyDataProductType"][()] == b"(NOT PROVIDED)"


def test_interference_and_noise_of_the_scene_are_in_manifest_and_files(aws, written, tmp_path):
    job = job_for(written)
    assert run(job, tmp_path)[0] == 0
    quality = manifest_of(job).quality
    assert quality.rfi.mitigation_performed
    assert quality.rfi.report["VV"]["timeDomainRfiReport/percentageAffectedLines"] == 0
    assert -40 < quality.noise_equivalent_sigma0_db["VV"].mean < -18
    assert quality.near_incidence_deg < quality.far_incidence_deg
    assert 690e3 < quality.altitude_m < 740e3
    assert quality.timeliness
    layer = manifest_of(job).file_of_layer("VV")
    assert 0 < layer.header_size < 16384
    assert layer.statistics.maximum < layer.statistics.highest
    with rasterio.open(storage.fetch(job.destination.join(layer.name), tmp_path)) as source:
        assert source.tags()["QA_RFI_INFO_AVAILABLE"] == "True"
        assert source.tags()["QA_GEOMETRIC_ACCURACY_BIAS_X"] == "(UNSPECIFIED)"


def test_bytes_fetched_are_those_of_the_burst_and_its_tiles(aws, written, tmp_path):
    job = job_for(written, sources=upload(written, aws))
    meter = Meter()
    manifest = make_burst(job, tmp_path, Destination(job), meter=meter).manifest
    spec = written.parameters
    pixels = 2 * spec["lines"] * spec["samples"] * 4
    tiles = sum(
        path.stat().st_size for path in written.dem.rglob("*.tif") if path.stem in manifest.inputs[2].id
    )
    annotation = sum(path.stat().st_size for path in written.safe.glob("annotation/**/*.xml"))
    least = pixels + tiles + written.orbit.stat().st_size
    geoid = written.geoid.stat().st_size
    # Directories of the TIFFs and a window of the small geoid come in blocks of 64 KiB and more.
    assert least < meter.bytes_fetched < least + annotation + geoid + 500_000


def test_pixels_are_the_same_from_s3_from_a_zip_and_from_a_folder(aws, written, tmp_path):
    archive = shutil.make_archive(str(tmp_path / written.scene), "zip", written.folder, written.safe.name)
    sums = set()
    for number, source in enumerate((upload(written, aws)["scene"], archive, written.safe)):
        job = job_for(
            written, sources={"scene": source}, execution=f"execution-{number}", on_existing="replace"
        )
        manifest = make_burst(job, tmp_path / str(number), Destination(job)).manifest
        layer = manifest.file_of_layer(written.polarizations[0])
        sums.add((layer.statistics.mean, layer.statistics.stddev, layer.statistics.valid_percent))
    assert len(sums) == 1


def test_a_second_pass_uses_the_stored_grid(aws, written, tmp_path):
    first, second = (job_for(written, execution=f"execution-{n}", on_existing="replace") for n in (1, 2))
    made = [make_burst(job, tmp_path / job.execution, Destination(job)).manifest for job in (first, second)]
    assert [manifest.parameters["grid_origin"] for manifest in made] == ["burst footprint", "grid store"]
    assert made[0].grid == made[1].grid


def test_backscatter_uses_the_grid_of_its_static_layers(aws, written, tmp_path):
    static = job_for(written, product=Product.RTC_S1_STATIC, output_crs=3577)
    assert run(static, tmp_path)[0] == 0
    linked = job_for(written, link_static_layers=True)
    code, outcome = run(linked, tmp_path)
    assert code == 0, outcome.message
    assert manifest_of(linked).grid == manifest_of(static).grid
    assert manifest_of(linked).grid.epsg == 3577
    assert [ref.kind for ref in manifest_of(linked).inputs][-1] == "static"
    names = {file.layer for file in manifest_of(static).files}
    assert names >= {layer.name for layer in layers_of(Product.RTC_S1_STATIC)}


@pytest.mark.parametrize("variant", ["sea", "antimeridian", "polar"])
def test_variants_of_the_sample_are_made(aws, tmp_path, variant):
    sample = write_sample(tmp_path / "sample", SampleSpec.tiny(variant=variant, bursts=1, swaths=("iw2",)))
    job = job_for(sample)
    code, outcome = run(job, tmp_path)
    assert code == 0, outcome.message
    manifest = manifest_of(job)
    west, _, east, _ = manifest.bbox
    assert (west > east) == (manifest.footprint["type"] == "MultiPolygon")
    assert manifest.file_of_layer(sample.polarizations[0]).statistics.valid_percent > 1
    if variant == "polar":
        assert manifest.grid.epsg == 3031


@pytest.mark.parametrize("fault", [sample_faults.truncate_measurement, sample_faults.scramble_measurement])
def test_a_corrupt_measurement_is_refused_by_name(aws, sample, tmp_path, fault):
    broken = fault(sample)
    code, outcome = run(job_for(sample, sample.bursts["iw2"][-1]), tmp_path)
    assert (code, outcome.reason) == (65, "corrupt-tiff")
    assert broken.name in outcome.message


def test_a_missing_orbit_of_an_old_scene_is_refused(aws, sample, tmp_path):
    sample_faults.drop_orbit(sample)
    code, outcome = run(job_for(sample), tmp_path)
    assert (code, outcome.reason) == (65, "orbit-missing")


def test_an_empty_orbit_file_counts_as_missing(aws, sample, tmp_path):
    sample_faults.empty_orbit(sample)
    assert run(job_for(sample), tmp_path)[1].reason == "orbit-missing"


def test_a_dem_that_lacks_land_is_refused_with_the_tile_and_leaves_nothing(aws, sample, tmp_path):
    for name in sample.tiles:
        sample_faults.drop_dem_tile(sample, name)
    code, outcome = run(job_for(sample), tmp_path)
    assert (code, outcome.reason) == (65, "dem-missing-land")
    assert any(name in outcome.message for name in sample.tiles)
    assert aws.list_objects_v2(Bucket="products")["KeyCount"] == 0


def test_of_two_grids_for_a_burst_that_stored_first_is_used_with_heights_of_its_own(
    aws, written, tmp_path, monkeypatch
):
    job = job_for(written)
    other = {}

    def overtaken(at, data, client=None):
        # Another process stores its grid, a pixel further to the south, just before this one.
        own = Grid.model_validate_json(data)
        other["grid"] = own.model_copy(update={"top": own.top - own.spacing, "rows": own.rows + 1})
        monkeypatch.undo()
        assert storage.write_if_absent(at, other["grid"].model_dump_json().encode(), client)
        return False

    monkeypatch.setattr("rtcflow.grid.resolve.storage.write_if_absent", overtaken)
    made = make_burst(job, tmp_path, Destination(job)).manifest
    assert (made.grid, made.parameters["grid_origin"]) == (other["grid"], "grid store")


def test_a_burst_that_is_not_in_the_scene_is_refused_with_those_that_are(aws, written, tmp_path):
    code, outcome = run(job_for(written, "t001_000001_iw1"), tmp_path)
    assert (code, outcome.reason) == (65, "burst-not-in-scene")
    assert all(burst_id in outcome.message for burst_id in written.burst_ids)


def test_a_bad_crs_is_refused(aws, written, tmp_path):
    code, outcome = run(job_for(written, output_crs=4326), tmp_path)
    assert (code, outcome.reason) == (65, "crs")
