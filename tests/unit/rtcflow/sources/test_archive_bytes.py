"""Bytes fetched for one burst, from every source of scenes: its own, its DEM tiles, its orbit, and little else."""

import io
import zipfile

import pytest

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.dem.dem_source import GLO_30, fetch_dem
from rtcflow.sources.orbit.orbit_source import fetch_orbit
from rtcflow_contract.grid import Grid
from rtcflow_contract.orbit_file import PUBLIC_ORBITS
from rtcflow_contract.request import OrbitChoice
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample import SampleSpec, write_sample
from tests.support.archive_asf import AsfArchive
from tests.support.archive_buckets import open_data
from tests.support.archive_case import fetch
from tests.support.archive_cdse import CdseArchive

LINES, SAMPLES = 256, 2048
PIXELS = 2 * LINES * SAMPLES * 4
# Blocks around its directory and its ten members, whatever the size of the burst.
OF_A_ZIP = 12 * 64 * 1024
# Inside one of the sample's tiles, S35 E150.
GRID = Grid(epsg=32756, left=270_000, top=6_180_000, spacing=100, rows=40, cols=40)
TILE = "Copernicus_DSM_COG_10_S35_00_E150_00_DEM"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    spec = SampleSpec(swaths=("iw1", "iw2", "iw3"), bursts=2, lines=LINES, samples=SAMPLES)
    return write_sample(tmp_path_factory.mktemp("sample"), spec)


def keys_of(sample):
    """Objects of the open buckets, and the scene in the user's bucket, as a folder and as a zip."""
    safe = {f"{sample.safe.name}/{path.relative_to(sample.safe)}": path for path in sample.safe.rglob("*.*")}
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
        for name, path in safe.items():
            archive.write(path, name)
    return {
        **{f"scenes/{name}": path for name, path in safe.items() if path.is_file()},
        f"scenes/{sample.scene}.zip": whole.getvalue(),
        **{f"copernicus-dem-30m/{p.relative_to(sample.dem)}": p for p in sample.dem.rglob("*.t*")},
        f"s1-orbits/AUX_POEORB/{sample.orbit.name}": sample.orbit,
    }


def annotation_size(sample, asf, source):
    if source == "asf":
        return sum(len(asf.extractor.combined_xml(name)) for name in ("VV", "VH"))
    read = [sample.safe / "manifest.safe", *sample.safe.glob("annotation/s1*-iw2-*.xml")]
    return sum(
        path.stat().st_size for path in [*read, *sample.safe.glob("annotation/calibration/*-iw2-*.xml")]
    )


@pytest.mark.parametrize("source", ["asf", "cdse", "s3 folder", "s3 zip"])
def test_a_burst_costs_its_own_bytes_its_tiles_and_its_orbit(sample, monkeypatch, tmp_path, source):
    asf, cdse, meter = AsfArchive(sample.safe), CdseArchive(sample.safe), Meter()
    scene = {"s3 folder": f"s3://scenes/{sample.safe.name}", "s3 zip": f"s3://scenes/{sample.scene}.zip"}
    given = asf.environment | cdse.environment
    with open_data(keys_of(sample), monkeypatch) as buckets:
        burst_id = sample.bursts["iw2"][1]
        fetch(sample, scene.get(source, source), given, tmp_path / "w", burst_id=burst_id, meter=meter)
        fetch_orbit(
            PUBLIC_ORBITS, parse_scene_id(sample.scene), OrbitChoice.PRECISE, tmp_path / "orbit", meter
        )
        fetch_dem(GLO_30, str(sample.geoid), "cop_glo30", GRID, tmp_path / "dem", meter, silent)
        sent = sum(size for server in (buckets, *asf.servers, *cdse.servers) for _, size in server.sent)
    asf.close()
    cdse.close()
    around = (sample.dem / TILE / f"{TILE}.tif").stat().st_size + sample.orbit.stat().st_size
    own = PIXELS + annotation_size(sample, asf, source)
    most = 1.1 * own + around + (OF_A_ZIP if source == "s3 zip" else 0)
    assert own + around <= meter.bytes_fetched <= most
    assert own + around <= sent <= most
