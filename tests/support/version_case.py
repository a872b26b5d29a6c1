"""Products in several versions, and the commands that promote and prune them."""

from datetime import UTC, datetime

from typer.testing import CliRunner

from rtcflow_contract.keys import ITEM, MANIFEST
from rtcflow_contract.manifest import Manifest
from rtcflow_files import storage
from rtcflow_scene.assembly import assemble_stac
from tests.support.inventory_case import SETTINGS, Spec, put_files, put_product

BESIDE = {"on_existing": "beside"}


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


def put_two_versions():
    """Products of version 0.1 in use and 0.2 beside it; gives the folder."""
    folder = put_product(Spec())
    put_beside(Spec(version="0.2", made=datetime(2025, 5, 1, tzinfo=UTC), payload=BESIDE))
    return folder
