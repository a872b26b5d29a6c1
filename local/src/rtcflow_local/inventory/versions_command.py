"""`rtcflow promote` and `rtcflow prune-versions`: both only say what they would do until told --yes."""

from typing import Annotated

import typer
from rich.console import Console

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.product_id import check_version
from rtcflow_local.inventory.command import Endpoint, store_at
from rtcflow_local.inventory.facts import burst_of_name
from rtcflow_local.inventory.store import Store
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.inventory.versions import files_to_prune, find_folders
from rtcflow_local.inventory.versions import promote as promote_folder
from rtcflow_local.report.aws import Clients
from rtcflow_stac.notice import notice_of

_console = Console(soft_wrap=True, highlight=False)
Source = Annotated[str, typer.Argument(help="Folder of products: s3://bucket/folder, or a path.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would be done.")]


def promote(
    source: Source,
    version: Annotated[str, typer.Option(help="Product version that comes into use, like 0.2.")],
    yes: Yes = False,
    topic: Annotated[str | None, typer.Option(help="ARN of the topic to publish the items on.")] = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Put a product version in use: its item becomes metadata.json. The version before stays beside it."""
    check_version(version)
    store = store_at(source, endpoint_url)
    folders = [folder for folder in find_folders(store) if version in folder.versions]
    if not folders:
        _refuse_nothing(store)
        _console.print(f"no product has version {version} beside the one in use; nothing to do")
        return
    if not yes:
        for folder in folders:
            _console.print(f"would put {version} in use in {store.href(folder.name)}")
        _console.print(f"{len(folders)} products; nothing was changed, do it with --yes")
        return
    for folder in folders:
        done = promote_folder(store, folder, version)
        if topic is not None:
            href = store.href(f"{folder.name}/metadata.json")
            notice = notice_of(done.item, href, burst_of_name(href) or "")
            publish(topic, notice.message, notice.attributes, Clients(endpoint_url)("sns"))
    _console.print(f"{len(folders)} products are now of version {version}")


def prune_versions(
    source: Source,
    version: Annotated[
        list[str] | None, typer.Option(help="Version to remove; may be repeated. All not in use by default.")
    ] = None,
    inventory: Annotated[
        str | None, typer.Option(help="Inventory of the backscatter, to keep static layers it names.")
    ] = None,
    yes: Yes = False,
    endpoint_url: Endpoint = None,
) -> None:
    """Remove the files of product versions that are not in use."""
    store = store_at(source, endpoint_url)
    linked = _linked(store_at(inventory, endpoint_url)) if inventory is not None else None
    count = size = 0
    folders = list(find_folders(store))
    if not folders:
        _refuse_nothing(store)
    for folder in folders:
        chosen = [name for name in folder.versions if version is None or name in version]
        for name in files_to_prune(store, folder, chosen, linked):
            count, size = count + 1, size + folder.sizes[name.rpartition("/")[2]]
            if yes:
                store.delete(name)
            else:
                _console.print(f"would remove {store.href(name)}")
    said = f"{count} files, {size / 1e9:.3f} GB"
    _console.print(f"removed {said}" if yes else f"{said}; nothing was removed, do it with --yes")


def _refuse_nothing(store: Store) -> None:
    """A folder that is misspelt is no folder without other versions."""
    if next(store.entries(), None) is None:
        raise RefusedError(
            f"there is nothing at all in {store.href('')}; correct the folder", reason="no-products"
        )


def _linked(inventory: Store) -> frozenset[str]:
    rows = open_tables(inventory).execute("SELECT DISTINCT static_id FROM products").fetchall()
    if not rows:
        raise RefusedError("the inventory holds no products; build it anew", reason="empty-inventory")
    return frozenset(row[0] for row in rows if row[0])
