"""A scene end to end: products and items are made, static layers linked, and only missing products made again."""

import json
from collections import Counter

import pystac
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def made(twin):
    return twin.run("scene", collection="backscatter")


def folders(keys):
    return Counter(key.rpartition("/")[0] for key in keys)


def test_every_burst_of_the_scene_is_made(twin, made):
    assert made.status == "SUCCEEDED", made.cause
    assert made.outcomes() == dict.fromkeys(twin.bursts, "made")


def test_products_have_their_dated_keys(twin, made):
    day = twin.sample.scene.split("_")[5]
    year, month, date = int(day[:4]), int(day[4:6]), int(day[6:8])
    names = {key.rpartition("/")[0] for key in twin.products("scene") if key.endswith("manifest.json")}
    assert names == {f"scene/backscatter/{burst_id}/{year}/{month}/{date}" for burst_id in twin.bursts}
    assert "scene/backscatter/collection.json" in twin.products("scene")


def test_every_raster_is_a_valid_cog_and_every_item_names_it(twin, made, tmp_path):
    for key in (key for key in twin.products("scene") if key.endswith("metadata.json")):
        item = json.loads(twin.read(twin.stack.products_bucket, key))
        for asset in item["assets"].values():
            name = asset["href"].removeprefix(f"s3://{twin.stack.products_bucket}/")
            data = twin.read(twin.stack.products_bucket, name)
            assert len(data) == asset["file:size"]
            if not name.endswith(".tif"):
                continue
            path = tmp_path / "asset.tif"
            path.write_bytes(data)
            valid, errors, warnings = cog_validate(path)
            assert valid, (errors, warnings)
            with rasterio.open(path) as raster:
                assert list(raster.shape) == item["properties"]["proj:shape"]
                assert list(raster.transform)[:6] == item["properties"]["proj:transform"]


def test_every_item_and_collection_is_valid(twin, made, stac_validator):
    keys = [key for key in twin.products("scene") if key.endswith(("metadata.json", "collection.json"))]
    assert len(keys) == len(twin.bursts) + 1
    for key in keys:
        pystac.validation.validate_dict(
            json.loads(twin.read(twin.stack.products_bucket, key)), validator=stac_validator
        )


def test_starting_again_makes_nothing_that_exists(twin, made):
    before = twin.products("scene")
    again = twin.run("scene", collection="backscatter")
    assert again.status == "SUCCEEDED"
    assert again.outcomes() == dict.fromkeys(twin.bursts, "skipped")
    assert twin.products("scene") == before


def test_starting_again_makes_only_what_is_missing(twin, made):
    lost = twin.bursts[0]
    (key,) = [key for key in twin.products("scene") if key.endswith("metadata.json") and f"/{lost}/" in key]
    twin.s3.delete_object(Bucket=twin.stack.products_bucket, Key=key)
    again = twin.run("scene", collection="backscatter")
    assert again.status == "SUCCEEDED", again.cause
    assert Counter(again.outcomes().values())["skipped"] >= len(twin.bursts) - 1
    assert key in twin.products("scene")


def test_static_layers_are_linked_from_the_item(twin):
    wanted = twin.bursts[:1]
    missing = twin.run("linked", burst_id_list=wanted, link_static_layers=True)
    assert missing.status == "FAILED"
    assert wanted[0] in missing.cause
    assert "number_of_looks" in missing.cause
    created = twin.run(
        "linked",
        burst_id_list=wanted,
        link_static_layers=True,
        on_missing_static="create",
        linked_static_layers_s3_project_folder="linked",
    )
    assert created.status == "SUCCEEDED", created.cause
    (key,) = [
        key for key in twin.products("linked") if key.endswith("metadata.json") and "/s1_rtc_c1/" in key
    ]
    item = json.loads(twin.read(twin.stack.products_bucket, key))
    looks = item["assets"]["number_of_looks"]["href"]
    assert f"/linked/s1_rtc_static_c1/{wanted[0]}/" in looks
    assert looks.removeprefix(f"s3://{twin.stack.products_bucket}/") in twin.products("linked")
    (link,) = [link for link in item["links"] if link["rel"] == "static-layers"]
    static = json.loads(
        twin.read(
            twin.stack.products_bucket, link["href"].removeprefix(f"s3://{twin.stack.products_bucket}/")
        )
    )
    for name in ("proj:code", "proj:shape", "proj:transform"):
        assert static["properties"][name] == item["properties"][name]
