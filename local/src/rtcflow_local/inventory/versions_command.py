"""`rtcflow promote` and `rtcflow prune-versions`; without --yes both only show what they would do."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_contract.product_id import check_version
from rtcflow_files.files import Store
from rtcflow_local.inventory.command import Endpoint, store_at
from rtcflow_local.inventory.facts import burst_of_name
from rtcflow_local.inventory.prune import plan_pruning, prune
from rtcflow_local.inventory.versions import Promoted, find_folders
from rtcflow_local.inventory.versions import promote as promote_folder
from rtcflow_local.report.aws import Clients
from rtcflow_stac.notice import notice_of

_console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
Source = Annotated[str, typer.Argument(help="Folder of products: s3://bucket/folder, or a path.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do it; without it, only show what would be done.")]


def promote(
    source: Source,
    version: Annotated[str, typer.Option(help="Product version to put in use, like 0.2.")],
    yes: _Yes = False,
    topic: Annotated[str | None, typer.Option(help="ARN of the topic to publish the items on.")] = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Put a product version in use: its item becomes metadata.json. The previous version stays beside it."""
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
        _console.print(f"{len(folders)} products; nothing was changed, add --yes to do it")
        return

    def tell(promoted: Promoted) -> None:
        if topic is not None:
            href = store.href(f"{promoted.folder}/metadata.json")
            notice = notice_of(promoted.item, href, burst_of_name(href) or "", replaces=promoted.replaces)
            publish(topic, notice.message, notice.attributes, Clients(endpoint_url)("sns"))

    done, troubles = 0, []
    for folder in folders:
        try:
            promote_folder(store, folder, version, tell)
            done += 1
        except RtcflowError as error:
            # An incomplete one keeps its version; the others continue.
            troubles.append(error.message)
    _console.print(f"{done} products now have version {version}")
    _tell(troubles, f"{len(troubles)} products are not promoted or not published, named above")


def prune_versions(
    source: Source,
    version: Annotated[
        list[str] | None,
        typer.Option(help="Version to remove; repeat for several. All below the one in use by default."),
    ] = None,
    linked_from: Annotated[
        list[str] | None,
        typer.Option(help="Another folder whose items may link static layers of SOURCE; repeat for several."),
    ] = None,
    yes: _Yes = False,
    endpoint_url: Endpoint = None,
) -> None:
    """Remove files of product versions below the one in use, and of replaced static layers that no item links."""
    store = store_at(source, endpoint_url)
    linking = [store_at(text, endpoint_url) for text in linked_from or []]
    for there in linking:
        _refuse_nothing(there)
    folders = list(find_folders(store))
    if not folders:
        _refuse_nothing(store)
    pruning = plan_pruning(store, folders, version, linking, datetime.now(UTC))
    for sentence in pruning.kept:
        _console.print(sentence, markup=False)
    for removal in prune(store, pruning.removals) if yes else pruning.removals:
        word = "removed" if yes else "would remove"
        _console.print(f"{word} {store.href(removal.name)}: {removal.why}", markup=False)
    said = f"{len(pruning.removals)} files, {sum(removal.size for removal in pruning.removals) / 1e9:.3f} GB"
    _console.print(f"removed {said}" if yes else f"{said}; nothing was removed, add --yes to do it")
    _tell(pruning.troubles, f"{len(pruning.troubles)} folders were not changed, named above")


def _tell(troubles: Sequence[str], sentence: str) -> None:
    """Report what was left; the exit code shows that not everything was done."""
    for text in troubles:
        _console.print(text, markup=False)
    if troubles:
        raise RefusedError(sentence, reason="left")


def _refuse_nothing(store: Store) -> None:
    """Refuse an empty folder: a misspelt one must not look like one without other versions."""
    if next(iter(store.entries()), None) is None:
        raise RefusedError(
            f"{store.href('')} is empty or does not exist; correct the folder", reason="no-products"
        )
