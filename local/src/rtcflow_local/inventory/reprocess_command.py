"""`rtcflow reprocess`: write a campaign list of products to make again."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import Engine
from rtcflow_local.inventory import reprocess as lists
from rtcflow_local.inventory.archive_listing import read_archive
from rtcflow_local.inventory.command import Endpoint, Inventory, read_file, store_at
from rtcflow_local.inventory.tables import open_tables


def reprocess(
    inventory: Inventory = "inventory",
    orbit: Annotated[
        str | None, typer.Option(help="'precise': products made without a precise orbit.")
    ] = None,
    version_below: Annotated[
        str | None, typer.Option(help="Products older than this version, to make beside them.")
    ] = None,
    engine: Annotated[Engine | None, typer.Option(help="Products not made by this engine.")] = None,
    missing_static: Annotated[
        bool, typer.Option("--missing-static", help="Static layers of bursts without them.")
    ] = False,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Products whose manifest cannot be read.")
    ] = False,
    missing_dates: Annotated[
        str | None,
        typer.Option(help="Missing dates of this listing of the archive, from `inventory archive`."),
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Only products of this collection.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Payload field for every scene, like scene_source=cdse; repeat for several."
        ),
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="File for the list, or s3://…; without it, counts only.")
    ] = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Count the products to make again, and with --to write a campaign list that makes them."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    chosen = _chosen(orbit, version_below, engine, missing_static, unreadable, missing_dates)
    listing = read_archive(missing_dates, read_file(missing_dates, endpoint_url)) if missing_dates else None
    database = open_tables(store_at(inventory, endpoint_url), listing)
    if chosen is None:
        dates = lists.missing_dates(database, collection)
        rows, changes, notes = dates.rows, {}, [f"{n} {why} left out" for why, n in dates.left_out.items()]
    else:
        rows, changes = lists.select(database, chosen, collection), chosen.changes
        unknown = lists.count_unknown(database, chosen, collection)
        notes = [f"{unknown} products left out, for which the inventory cannot tell"] if unknown else []
    made = lists.payloads(rows, changes, _settings(setting or []))
    bursts = len({row["burst_id"] for row in rows})
    console.print(f"{len(rows)} products of {bursts} bursts, from {len({p['scene'] for p in made})} scenes")
    for note in notes:
        console.print(note)
    if to is None:
        console.print("nothing was written; write the campaign list with --to FILE.jsonl")
        return
    folder, _, name = to.rpartition("/")
    text = "".join(json.dumps(payload) + "\n" for payload in made)
    store_at(folder or ".", endpoint_url).write(name, text.encode())
    console.print(f"{len(made)} lines in {to}")


def _chosen(
    orbit: str | None,
    version: str | None,
    engine: Engine | None,
    static: bool,
    unreadable: bool,
    dates: str | None,
) -> lists.Wanted | None:
    """The selected products; None for dates without a product."""
    if orbit not in (None, "precise"):
        raise RefusedError(f"--orbit {orbit} is unknown; give --orbit precise", reason="orbit")
    chosen = [
        *([lists.precise_orbit()] if orbit else []),
        *([lists.version_below(version)] if version else []),
        *([lists.other_engine(engine)] if engine else []),
        *([lists.missing_static()] if static else []),
        *([lists.unreadable()] if unreadable else []),
        *([None] if dates else []),
    ]
    if len(chosen) != 1:
        raise RefusedError(
            "say which products: one of --orbit precise, --version-below, --engine, --missing-static, --missing-dates, "
            "--unreadable",
            reason="selection",
        )
    if engine is Engine.AUTO:
        raise RefusedError("--engine auto is not an engine; give native or isce3", reason="engine")
    return chosen[0]


def _settings(texts: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RefusedError(f"--set {text} has no value; write it like scene_source=cdse", reason="set")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings
