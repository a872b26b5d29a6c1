"""A version is put in use and back again, whatever is killed in between."""

from datetime import UTC, datetime

import pytest

from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.keys import ITEM, Location
from rtcflow_files import storage
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.versions import find_folders, promote
from rtcflow_local.inventory.versions_command import promote as promote_command
from rtcflow_local.inventory.versions_command import prune_versions
from tests.support.burst_case import BUCKET
from tests.support.inventory_case import Spec, put_product
from tests.support.version_case import (
    BESIDE,
    invoke,
    manifest_at,
    names,
    put_beside,
    run,
    whole,
)


def test_promotion_says_what_it_would_do_and_does_nothing(two):
    assert "nothing was changed" in run(promote_command, "s3://products", "--version", "0.2")
    assert whole(two, "0.2") == "0.1"


def test_promotion_switches_the_item_and_back(two):
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    assert whole(two, "0.1") == "0.2"
    run(promote_command, "s3://products", "--version", "0.1", "--yes")
    assert whole(two, "0.2") == "0.1"


@pytest.mark.parametrize("writes", range(6))
def test_a_killed_promotion_leaves_an_item_whose_files_exist_and_can_be_repeated(two, monkeypatch, writes):
    store = open_store("s3://products")
    done = 0

    def dying(method):
        def step(*arguments):
            nonlocal done
            if done == writes:
                raise KeyboardInterrupt
            done += 1
            return method(*arguments)

        return step

    with monkeypatch.context() as killed:
        killed.setattr(store, "write", dying(store.write))
        killed.setattr(store, "delete", dying(store.delete))
        (folder,) = find_folders(store)
        with pytest.raises(KeyboardInterrupt):
            promote(store, folder, "0.2")
    item = storage.read_json(two.join(ITEM))
    assert {asset["href"].rpartition("/")[2] for asset in item["assets"].values()} <= names(two)
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    run(prune_versions, "s3://products", "--version", "0.2", "--yes")
    assert whole(two, "0.1") == "0.2"


def test_a_version_that_is_not_whole_does_not_come_into_use(two):
    storage.delete(two.join("metadata.v0.2.json"))
    other = put_product(Spec(1))
    put_beside(Spec(1, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    result = invoke(promote_command, "s3://products", "--version", "0.2", "--yes")
    assert isinstance(result.exception, RefusedError)
    assert "not whole, metadata.v0.2.json missing" in result.output
    assert "1 products now have version 0.2" in result.output
    assert manifest_at(two).product_version == "0.1"
    assert whole(other, "0.1") == "0.2"


@pytest.mark.parametrize("left", [b"", b'{"id": ', b"[" * 100_000])
def test_a_version_whose_item_is_damaged_does_not_come_into_use(two, left):
    storage.write_bytes(two.join("metadata.v0.2.json"), left)
    before = names(two)
    result = invoke(promote_command, "s3://products", "--version", "0.2", "--yes")
    assert isinstance(result.exception, RefusedError)
    assert "metadata.v0.2.json is not an item" in result.output
    assert manifest_at(two).product_version == "0.1"
    assert names(two) == before


def test_what_was_not_promoted_is_not_pruned(two):
    other = put_product(Spec(1))
    put_beside(Spec(1, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    storage.delete(next(two.join(file.name) for file in manifest_at(two, "manifest.v0.2.json").files))
    with pytest.raises(RefusedError, match="1 products are not promoted"):
        run(promote_command, "s3://products", "--version", "0.2", "--yes")
    before = names(two)
    said = run(prune_versions, "s3://products", "--yes")
    assert "version 0.2 is not below 0.1, which is in use" in said
    assert names(two) == before
    assert whole(other) == "0.2"


@pytest.mark.parametrize("stale", ["file", "item"])
def test_a_stale_listing_asks_for_another_look(two, monkeypatch, stale):
    store = open_store("s3://products")
    (folder,) = find_folders(store)
    if stale == "file":
        # The listing lacks a file that is there.
        name = next(name for name in folder.sizes if "_v0.2" in name)
        sizes = {key: size for key, size in folder.sizes.items() if key != name}
        promote(store, folder._replace(sizes=sizes), "0.2")
        assert whole(two, "0.1") == "0.2"
        return
    storage.delete(two.join("manifest.v0.2.json"))
    with pytest.raises(
        TransientError, match="was deleted after the folder was listed; start the command again"
    ):
        promote(store, folder, "0.2")


def test_versions_in_other_folders_are_let_alone(two):
    storage.write_bytes(Location(BUCKET, "notes/manifest.v0.2.json"), b"{}")
    assert [folder.name for folder in find_folders(open_store("s3://products"))] == [two.key]


def test_a_version_that_no_product_has_is_reported(two):
    assert "no product has version 0.9 beside the one in use" in run(
        promote_command, "s3://products", "--version", "0.9", "--yes"
    )
    with pytest.raises(RefusedError, match="not a product version"):
        run(promote_command, "s3://products", "--version", "newest")


@pytest.mark.parametrize("words", [(promote_command, "--version", "0.2"), (prune_versions,)])
def test_a_misspelt_folder_is_refused(two, words):
    command, *options = words
    with pytest.raises(RefusedError, match="s3://products/misspelt/ is empty"):
        run(command, "s3://products/misspelt", *options)
