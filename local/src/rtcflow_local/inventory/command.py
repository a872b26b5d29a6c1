"""`rtcflow inventory`: build an inventory, query it, map it, write it as a catalogue."""

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rtcflow.cli.outputs import check_outputs
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.errors import RefusedError
from rtcflow_files.files import Store
from rtcflow_files.storage import open_store
from rtcflow_local.days import DAY, parse_day
from rtcflow_local.inventory.archive_listing import read_archive
from rtcflow_local.inventory.build import build as build_inventory
from rtcflow_local.inventory.output import Format, show
from rtcflow_local.inventory.questions import QUESTIONS, Question, answer
from rtcflow_local.inventory.tables import open_tables
from rtcflow_local.report.aws import Clients

app = typer.Typer(help="Find out which products exist and which are missing.")

_console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

Inventory = Annotated[
    str, typer.Option(envvar="RTCFLOW_INVENTORY", help="Folder or s3:// location of the inventory.")
]
Day = Annotated[datetime, typer.Option(parser=parse_day, metavar=DAY, help="Day of acquisition, included.")]
Endpoint = Annotated[
    str | None, typer.Option(help="Endpoint instead of AWS, such as that of `rtcflow twin status`.")
]


def store_at(text: str, endpoint_url: str | None) -> Store:
    """Open a path or `s3://` location, at AWS or an endpoint."""
    endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL")
    return open_store(text, Clients(endpoint)("s3") if endpoint and text.startswith("s3://") else None)


@app.callback(invoke_without_command=True)
def catalogue(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option(help="Folder or s3:// location for a static STAC catalogue.")
    ] = None,
    inventory: Inventory = "inventory",
    endpoint_url: Endpoint = None,
) -> None:
    """Find out which products exist and which are missing."""
    if context.invoked_subcommand is not None:
        _refuse_lost_options(context)
        return
    if to is None:
        typer.echo(context.get_help())
        return
    from rtcflow_local.inventory.static_catalogue import write_catalogue

    written = write_catalogue(store_at(inventory, endpoint_url), store_at(to, endpoint_url))
    _console.print(f"{written.items} items of {written.collections} collections in {to}")


def _refuse_lost_options(context: typer.Context) -> None:
    """Refuse options before a command: they would have no effect."""
    for name in ("to", "inventory", "endpoint_url"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise RefusedError(
                f"{option} before '{context.invoked_subcommand}' has no effect; give it after",
                reason="option",
            )


@app.command()
def build(
    source: Annotated[str, typer.Argument(help="Folder of products: s3://bucket/folder, or a path.")],
    inventory: Inventory = "inventory",
    work: Annotated[
        str | None, typer.Option(help="Work bucket, s3://…, to collect failures and reasons.")
    ] = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Build or update the inventory of a folder's products, reading only new and changed ones."""
    from rtcflow_local.inventory.outcomes import collect_outcomes, collect_processed

    there = store_at(inventory, endpoint_url)
    products = store_at(source, endpoint_url)
    built = build_inventory(products, there, lambda text: _console.print(text, style="dim"))
    _console.print(
        f"{built.total} products: {built.added} new, {built.changed} changed, {built.removed} gone; in {inventory}"
    )
    troubles = [*built.troubles, *collect_processed(products, there, built.records).unread]
    if work is not None:
        collected = collect_outcomes(store_at(work, endpoint_url), there)
        _console.print(f"{collected.reports} new scene reports")
        troubles += collected.unread
    _tell_troubles(_console, troubles)


def _tell_troubles(
    console: Console, troubles: Sequence[str], done: str = "everything else is in the inventory"
) -> None:
    """Report everything that was left out.

    Raises
    ------
    RefusedError
        If anything was left out, so that the exit code shows it.
    """
    for text in troubles:
        console.print(text, markup=False)
    if troubles:
        raise RefusedError(
            f"{len(troubles)} files were left out or are incomplete, named above; {done}", "left-out"
        )


@app.command()
def archive(
    start: Day,
    end: Day,
    out: Annotated[Path, typer.Option(help="CSV file to write.")] = Path("archive.csv"),
    burst_id: Annotated[
        list[str] | None, typer.Option(help="Bursts to list; those of the inventory by default.")
    ] = None,
    inventory: Inventory = "inventory",
    endpoint_url: Endpoint = None,
) -> None:
    """List the archive's dates of the inventory's bursts, for missing-dates."""
    from rtcflow_archives.cmr import Cmr
    from rtcflow_archives.hosts import ArchiveHosts
    from rtcflow_local.inventory.archive_listing import as_csv, list_archive

    if start > end:
        raise RefusedError("--start lies after --end; swap them", reason="period")
    check_outputs(out=out)
    wanted = burst_id or [
        str(row[0])
        for row in open_tables(store_at(inventory, endpoint_url))
        .execute("SELECT DISTINCT burst_id FROM products WHERE product = 'RTC_S1'")
        .fetchall()
    ]
    with _console.status("searching") as status:
        cmr = Cmr(ArchiveHosts.from_environment().cmr_url)
        rows = list(list_archive(_spelled(wanted), start.date(), end.date(), cmr, status.update))
    out.write_text(as_csv(rows))
    _console.print(f"{len(rows)} dates of {len(set(wanted))} bursts in {out}")


@app.command()
def publish(
    topic: Annotated[str, typer.Option(help="ARN of the topic; CatalogueTopicArn of the stack.")],
    inventory: Inventory = "inventory",
    where: Annotated[
        str, typer.Option(help="Condition on products in SQL, such as \"created > '2025-04-08'\".")
    ] = "true",
    yes: Annotated[bool, typer.Option("--yes", help="Publish; without it, only count.")] = False,
    endpoint_url: Endpoint = None,
) -> None:
    """Publish collections and items again, for a new catalogue or one that missed some."""
    from rtcflow_local.inventory.static_catalogue import republish

    there = store_at(inventory, endpoint_url)
    rows = answer(open_tables(there), f"SELECT item FROM products WHERE {where}").column("item").to_pylist()
    if not yes:
        _console.print(f"{len(rows)} items; nothing was published, add --yes to publish")
        return
    count = republish(there, frozenset(rows), topic, Clients(endpoint_url)("sns"))
    _console.print(f"{count} items published")


def _spelled(burst_ids: list[str]) -> list[str]:
    try:
        return [normalize_burst_id(text) for text in burst_ids]
    except ValueError as error:
        raise RefusedError(str(error), reason="burst-id") from error


def _ask(question: Question) -> Any:
    def ask(
        inventory: Inventory = "inventory",
        archive: Annotated[
            str | None,
            typer.Option(help="Listing of the archive: CSV or JSON lines with burst_id, scene, date."),
        ] = None,
        output: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TABLE,
        out: Annotated[Path | None, typer.Option(help="File for the answer.")] = None,
        map_file: Annotated[
            Path | None, typer.Option("--map", help="HTML file with a map of the answer.")
        ] = None,
        endpoint_url: Endpoint = None,
    ) -> None:
        there = store_at(inventory, endpoint_url)
        if question.needs == "archive" and archive is None:
            raise RefusedError(
                "give a listing of the archive with --archive FILE; `rtcflow inventory archive` writes one",
                reason="archive-listing",
            )
        listing = read_archive(archive, read_file(archive, endpoint_url)) if archive else None
        found = answer(open_tables(there, listing), question.sql)
        show(found, output, out)
        if map_file is not None:
            from rtcflow_local.inventory.map_page import write_map

            write_map(question, found, there, map_file)
            _console.print(f"map {map_file}")

    ask.__doc__ = question.help
    return ask


def read_file(text: str, endpoint_url: str | None) -> bytes:
    """Read a file of this machine or S3."""
    folder, _, name = text.rpartition("/")
    return store_at(folder or ".", endpoint_url).read(name)


for _question in QUESTIONS.values():
    app.command(_question.name)(_ask(_question))


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help="SQL on the tables products, outcomes and archive.")],
    inventory: Inventory = "inventory",
    archive: Annotated[str | None, typer.Option(help="Listing of the archive.")] = None,
    output: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="File for the answer.")] = None,
    endpoint_url: Endpoint = None,
) -> None:
    """Answer any question in DuckDB's SQL."""
    listing = read_archive(archive, read_file(archive, endpoint_url)) if archive else None
    show(answer(open_tables(store_at(inventory, endpoint_url), listing), query), output, out)
