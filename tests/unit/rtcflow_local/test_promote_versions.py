"""A new product version beside the old one: made, put in use, put back, and removed, whatever is killed in between."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

import rtcflow.burst
from rtcflow.burst import make_burst
from rtcflow.destination import Destination
from rtcflow_contract.errors import RefusedError, TransientError
from rtcflow_contract.keys import ITEM, MANIFEST, Location
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.product_id import product_id
from rtcflow_contract.report import Outcome
from rtcflow_contract.request import OnExisting
from rtcflow_files import storage
from rtcflow_files.storage import open_store
from rtcflow_local.inventory.versions import find_folders, promote
from rtcflow_local.inventory.versions_command import promote as promote_command
from rtcflow_local.inventory.versions_command import prune_versions
from rtcflow_scene.assembly import StacSettings, assemble_stac
from rtcflow_stac.context import HrefStyle, Processor
from tests.support.burst_case import BUCKET, DrawingEngine, make_job, write_case
from tests.support.inventory_case import SETTINGS, Spec, job_of, put_files, put_product

BESIDE = {"on_existing": "beside"}


@pytest.fixture
def case(tmp_path, monkeypatch):
    write_case(tmp_path)
    monkeypatch.setattr(rtcflow.burst, "choose_engine", lambda choice: DrawingEngine())
    return tmp_path


def job_at(case, version, day, on_existing=OnExisting.BESIDE):
    started = datetime(2025, 4, day, tzinfo=UTC)
    job = make_job(case, execution=f"execution-{day}", on_existing=on_existing)
    name = product_id(job.product, job.burst_id, job.sensing_start, started, "S1A", 20, version)
    return job.model_copy(
        update={"execution_started": started, "product_id": name, "product_version": version}
    )


def make(job, case):
    result = make_burst(job, case / f"work-{job.execution}", Destination(job))
    assemble_stac(job, SETTINGS)
    return result


def names(folder):
    return {entry.name for entry in storage.list_objects(folder)}


def manifest_at(folder, name=MANIFEST):
    return Manifest.model_validate_json(storage.read_bytes(folder.join(name)))


def files_of(*manifests):
    return {file.name for manifest in manifests for file in manifest.files}


def whole(folder, *versions):
    """The folder holds the version in use, the given ones beside it, and nothing else."""
    manifests = [manifest_at(folder), *(manifest_at(folder, f"manifest.v{v}.json") for v in versions)]
    records = {MANIFEST, ITEM, *(f"{stem}.v{v}.json" for v in versions for stem in ("manifest", "metadata"))}
    assert names(folder) == files_of(*manifests) | records
    assert storage.read_json(folder.join(ITEM))["id"] == (manifests[0].item_id or manifests[0].product_id)
    return manifests[0].product_version


def test_the_first_version_is_in_use_at_once(aws, case):
    job = job_at(case, "0.1", 1)
    assert make(job, case).outcome is Outcome.MADE
    assert whole(job.destination) == "0.1"


def test_a_new_version_is_made_beside_the_one_in_use(aws, case):
    make(job_at(case, "0.1", 1), case)
    job = job_at(case, "0.2", 2)
    assert make(job, case).outcome is Outcome.MADE
    assert whole(job.destination, "0.2") == "0.1"


def test_a_version_that_is_there_is_not_made_again(aws, case):
    for version, day in (("0.1", 1), ("0.2", 2)):
        make(job_at(case, version, day), case)
    assert make(job_at(case, "0.2", 3), case).outcome is Outcome.SKIPPED
    assert make(job_at(case, "0.1", 4), case).outcome is Outcome.SKIPPED
    assert whole(job_at(case, "0.1", 1).destination, "0.2") == "0.1"


def test_replacing_with_a_new_version_puts_it_in_use_and_keeps_the_files_of_the_old(aws, case):
    make(job_at(case, "0.1", 1), case)
    job = job_at(case, "0.2", 2, OnExisting.REPLACE)
    make(job, case)
    assert whole(job.destination, "0.1") == "0.2"


def test_replacing_a_version_leaves_no_file_of_it(aws, case):
    make(job_at(case, "0.1", 1), case)
    make(job_at(case, "0.2", 2), case)
    job = job_at(case, "0.2", 3, OnExisting.REPLACE)
    make(job, case)
    assert whole(job.destination, "0.1") == "0.2"
    assert manifest_at(job.destination).execution == "execution-3"


def test_a_version_that_came_into_use_meanwhile_is_not_lost(aws, case, monkeypatch):
    late = job_at(case, "0.2", 2)

    def overtaken():
        monkeypatch.setattr(rtcflow.burst, "choose_engine", lambda choice: DrawingEngine())
        make(job_at(case, "0.1", 1), case)

    monkeypatch.setattr(rtcflow.burst, "choose_engine", lambda choice: DrawingEngine(before_last=overtaken))
    make(late, case)
    assert whole(late.destination, "0.2") == "0.1"


def test_local_products_have_versions_too(case):
    for version, day, on_existing in (
        ("0.1", 1, OnExisting.REPLACE),
        ("0.2", 2, OnExisting.BESIDE),
        ("0.3", 3, OnExisting.REPLACE),
    ):
        job = job_at(case, version, day, on_existing)
        folder = case / "out" / job.destination.key
        here = {"destination": Location.local(folder), "collection_folder": Location.local(case / "out")}
        job = job.model_copy(update=here)
        make_burst(job, case / f"work-{day}", Destination(job, Location.local(folder)))
        assemble_stac(job, StacSettings(HrefStyle.RELATIVE, "", Processor("operator", None), "CC-BY-4.0"))
    there = {path.name for path in folder.iterdir()}
    manifests = [
        Manifest.model_validate_json((folder / name).read_bytes()) for name in there if "manifest" in name
    ]
    assert {manifest.product_version for manifest in manifests} == {"0.1", "0.2", "0.3"}
    assert files_of(*manifests) <= there
    assert {name for name in there if name.startswith("metadata")} == {
        ITEM,
        "metadata.v0.1.json",
        "metadata.v0.2.json",
    }


@pytest.fixture
def two(aws):
    """Products of version 0.1 in use and 0.2 beside it; gives the folder."""
    folder = put_product(Spec())
    put_beside(Spec(version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    return folder


def put_beside(spec):
    job, manifest = put_files(spec)
    at = job.destination.join(f"manifest.v{spec.version}.json")
    storage.write_bytes(at, manifest.model_dump_json().encode())
    assemble_stac(job, SETTINGS)


def invoke(command, *arguments):
    import typer

    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, list(arguments))


def run(command, *arguments):
    result = invoke(command, *arguments)
    if result.exception is not None:
        raise result.exception
    return result.output


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
def test_a_version_whose_item_is_spoilt_does_not_come_into_use(two, left):
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


def test_pruning_says_what_it_would_remove_and_removes_nothing(two):
    before = names(two)
    said = run(prune_versions, "s3://products", "--version", "0.2")
    assert said.count("would remove") == len(files_of(manifest_at(two, "manifest.v0.2.json"))) + 2
    assert "version 0.2 was named" in said
    assert names(two) == before


def test_pruning_removes_versions_that_are_not_in_use(two):
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    run(prune_versions, "s3://products", "--yes")
    assert whole(two) == "0.2"


STATIC = Product.RTC_S1_STATIC
LINKED = {"link_static_layers": True, "s3_project_folder": "nrb"}


@pytest.fixture
def static(aws):
    """Static layers of two versions, the newer in use; gives their folder."""
    folder = put_product(Spec(product=STATIC))
    put_beside(Spec(product=STATIC, version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    run(promote_command, "s3://products", "--version", "0.2", "--yes")
    return folder


def link_to_the_old(static, **payload):
    """Backscatter whose item names files of the version that is not in use any more."""
    newer = storage.read_bytes(static.join(MANIFEST))
    storage.write_bytes(static.join(MANIFEST), storage.read_bytes(static.join("manifest.v0.1.json")))
    folder = put_product(Spec(payload={**LINKED, **payload}))
    storage.write_bytes(static.join(MANIFEST), newer)
    return folder


@pytest.mark.parametrize("item", [ITEM, "metadata.v0.1.json"])
def test_static_layers_that_an_item_names_stay(static, item):
    folder = link_to_the_old(static)
    if item != ITEM:
        # Also one of a version beside.
        storage.write_bytes(folder.join(item), storage.read_bytes(folder.join(ITEM)))
        storage.delete(folder.join(ITEM))
    before = names(static)
    said = run(prune_versions, "s3://products", "--yes")
    assert "version 0.1 stays, items name" in said
    assert names(static) == before


def test_static_layers_that_no_item_names_go(static):
    put_product(Spec(payload=LINKED))
    run(prune_versions, "s3://products", "--yes")
    assert whole(static) == "0.2"


def test_static_layers_stay_where_nothing_proves_them_unused(static):
    before = names(static)
    result = invoke(prune_versions, "s3://products/experimental", "--yes")
    assert "no item of backscatter of this burst was read" in result.output
    assert isinstance(result.exception, RefusedError)
    assert names(static) == before


def test_other_folders_are_asked_for_items_that_name_static_layers(static):
    link_to_the_old(static)
    before = names(static)
    linked = ("--linked-from", "s3://products/nrb")
    assert "items name" in run(prune_versions, "s3://products/experimental", "--yes", *linked)
    assert names(static) == before
    with pytest.raises(RefusedError, match="is empty or does not exist"):
        run(prune_versions, "s3://products/experimental", "--yes", "--linked-from", "s3://products/misspelt")


def test_static_layers_stay_where_an_item_cannot_be_read(static):
    folder = put_product(Spec(payload=LINKED))
    storage.write_bytes(folder.join(ITEM), b'{"type": "Fea')
    before = names(static)
    result = invoke(prune_versions, "s3://products", "--yes")
    assert f"{folder.join(ITEM)} cannot be read" in result.output
    assert names(static) == before


def test_files_of_replaced_static_layers_go_when_no_item_names_them(aws):
    old = Spec(product=STATIC)
    static = put_product(old)
    left = files_of(manifest_at(static))
    put_product(Spec(product=STATIC, made=datetime(2025, 5, 1, tzinfo=UTC)))
    linked = put_product(Spec(payload=LINKED))
    assert left <= names(static)
    item = storage.read_json(linked.join(ITEM))
    href = item["assets"]["number_of_looks"]["href"]
    item["assets"]["number_of_looks"]["href"] = href.replace("20250501", "20250408")
    storage.write_bytes(linked.join(ITEM), json.dumps(item).encode())
    assert "items name 1 of its files" in run(prune_versions, "s3://products", "--yes")
    assert left <= names(static)
    item["assets"]["number_of_looks"]["href"] = href
    storage.write_bytes(linked.join(ITEM), json.dumps(item).encode())
    run(prune_versions, "s3://products", "--yes")
    assert whole(static) == "0.1"


def test_files_that_an_execution_may_still_commit_stay(aws):
    folder = put_product(Spec())
    started = datetime.now(UTC).replace(microsecond=0)
    job, _ = put_files(Spec(made=started))
    before = names(folder)
    run(prune_versions, "s3://products", "--yes")
    assert names(folder) == before
    assert job.destination == folder


def test_a_folder_whose_manifest_cannot_be_read_is_left_as_it_is(two):
    other = put_product(Spec(1, version="0.2"))
    put_beside(Spec(1, version="0.1", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    storage.write_bytes(two.join("manifest.v0.2.json"), b"")
    before = names(two)
    result = invoke(prune_versions, "s3://products", "--yes")
    assert f"{two.join('manifest.v0.2.json')} is empty" in result.output
    assert "1 folders were not changed" in str(result.exception)
    assert names(two) == before
    assert whole(other) == "0.2"


def test_a_plan_leaves_out_a_burst_only_when_the_version_is_there(two):
    from rtcflow_scene.existing import existing_item

    def item(version):
        found = existing_item(job_of(Spec(version=version, payload=BESIDE)))
        return found and found.key.rpartition("/")[2]

    assert [item(version) for version in ("0.1", "0.2", "0.3")] == [ITEM, "metadata.v0.2.json", None]


def test_versions_in_other_folders_are_let_alone(two):
    storage.write_bytes(Location(BUCKET, "notes/manifest.v0.2.json"), b"{}")
    assert [folder.name for folder in find_folders(open_store("s3://products"))] == [two.key]


def test_a_version_that_no_product_has_is_told(two):
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
