"""Months of operation end with nothing lost, nothing stale and nothing paid twice; `make year` plays whole years."""

import os
from datetime import UTC, datetime

import pytest

from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_files import storage
from rtcflow_local.inventory.build import build
from rtcflow_local.inventory.prune import _OLDEST_EXECUTION
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.inventory.versions import PRODUCT_FILE
from tests.support.cmr_catalogue import Catalogue, serve
from tests.support.inventory_case import BURSTS
from tests.support.operation_year import Year
from tests.support.year_people import STATIC_COLLECTION

SEEDS = range(int(os.environ.get("RTCFLOW_YEARS") or 0)) or (1,)
DAYS = 365 if os.environ.get("RTCFLOW_YEARS") else 75


@pytest.fixture(params=SEEDS)
def year(request, aws, tmp_path, monkeypatch):
    catalogue = Catalogue()
    with serve(catalogue) as url:
        played = Year(aws, catalogue, url, tmp_path, request.param, DAYS)
        # The bucket uses the clock of the play, so that files become old enough to be removed.
        monkeypatch.setattr("moto.s3.models.utcnow", lambda: played.now.replace(tzinfo=None))
        played.run()
        yield played


def test_after_a_time_of_operation_inventory_bucket_and_catalogue_agree(year):
    sentence = "\n".join(year.log)
    assert year.dead_links() == [], sentence
    built = build(year.products, year.inventory)
    assert built.troubles == (), sentence
    rows = open_tables(year.inventory).execute("SELECT item, id FROM products").fetchall()
    in_use = {
        f"s3://products/{key}": item["id"] for key, item in year.items().items() if key.endswith(f"/{ITEM}")
    }
    assert dict(rows) == in_use, sentence
    assert set(year.heard) == set(in_use.values()), sentence

    # Every pass has its products, from the last processing, in the version of the last release.
    for acquisition, granule in year.newest().items():
        start = parse_scene_id(granule.scene).start
        for burst in granule.bursts:
            folder = Location("products", f"experimental/s1/{burst}/{start.year}/{start.month}/{start.day}")
            if acquisition in year.poison:
                assert not storage.exists(folder.join(MANIFEST)), sentence
                continue
            manifest = Manifest.model_validate_json(storage.read_bytes(folder.join(MANIFEST)))
            assert manifest.scene == granule.scene, sentence
            assert manifest.product_version == year.version, sentence

    # No file of backscatter is left that no manifest names.
    for burst in BURSTS:
        listed = storage.list_objects(Location("products", f"experimental/s1/{burst}"))
        names = {entry.name for entry in listed}
        named = set()
        for name in names:
            if name.rpartition("/")[2].startswith("manifest"):
                data = storage.read_bytes(Location("products", f"experimental/s1/{burst}/{name}"))
                folder = name.rpartition("/")[0]
                named |= {f"{folder}/{file.name}" for file in Manifest.model_validate_json(data).files}
        assert named <= names, sentence
        assert not {name for name in names - named if _is_old(name, year.now)}, sentence

    # A poison scene costs a bounded number of attempts.
    for scene, attempts in year.attempts.items():
        assert attempts <= 12, f"{scene} was tried {attempts} times\n{sentence}"

    # The table played what it says: otherwise all this would hold for nothing.
    assert year.version == "0.3"
    assert year.failures()["FAILED"] > 0
    assert any("revision" in line for line in year.log)
    assert any(STATIC_COLLECTION in key for key in year.items())


def _is_old(name, now):
    """Whether a file is of a product whose execution has ended for certain: such are pruned."""
    match = PRODUCT_FILE.match(name.rpartition("/")[2])
    return (
        match
        and now - datetime.strptime(match["time"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) > _OLDEST_EXECUTION
    )
