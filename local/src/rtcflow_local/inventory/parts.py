"""The inventory's files: stac-geoparquet, one a collection and month; they are also what a build remembers."""

import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from stac_geoparquet.arrow import parse_stac_items_to_arrow, stac_table_to_items, to_parquet

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_local.inventory.facts import PREFIX
from rtcflow_local.inventory.store import Store

FOLDER = "items"
_READERS = 8
_ITEM, _TAG = f"{PREFIX}item", f"{PREFIX}tag"
_NAME = re.compile(rf"^{FOLDER}/[^/]+/\d{{4}}-\d\d\.parquet$")


class Known(NamedTuple):
    """An item that the inventory holds: its tag, and the file it is in."""

    tag: str
    part: str


def part_of(item: dict[str, Any]) -> str:
    """Name of the file that an item belongs in."""
    return f"{FOLDER}/{item['collection']}/{item['properties']['datetime'][:7]}.parquet"


def part_names(store: Store) -> list[str]:
    """Files of an inventory."""
    return sorted(entry.name for entry in store.entries(FOLDER) if _NAME.match(entry.name))


def read_known(store: Store) -> dict[str, Known]:
    """What an inventory holds, by where the item is."""
    known: dict[str, Known] = {}
    for name, table in read_parts(store, [_ITEM, _TAG]):
        for href, tag in zip(table[_ITEM].to_pylist(), table[_TAG].to_pylist(), strict=True):
            known[href] = Known(tag, name)
    return known


def read_parts(store: Store, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Columns of every file of an inventory, by name; several files at once."""
    names = part_names(store)
    with ThreadPoolExecutor(_READERS) as pool:
        yield from zip(names, pool.map(lambda name: read_part(store, name, columns), names), strict=True)


def read_part(store: Store, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """A file of the inventory; columns that it lacks are left out.

    Raises
    ------
    RefusedError
        When it is no parquet file.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(store.read(name)))
        wanted = None if columns is None else [c for c in columns if c in file.schema_arrow.names]
        return file.read(wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise RefusedError(
            f"{store.href(name)} is no parquet file ({error}); delete it and build the inventory again",
            reason="inventory-part",
        ) from error


def merge_part(store: Store, name: str, gone: Iterable[str], items: Sequence[dict[str, Any]]) -> int:
    """Take items out of a file and put others in; gives how many it then has, and leaves no empty file.

    Parameters
    ----------
    store : Store
    name : str
    gone : iterable of str
        Where items are (`rtcflow:item`) that are taken out.
    items : sequence of dict
        Items with facts.
    """
    tables = []
    try:
        standing = read_part(store, name)
    except NotFoundError:
        standing = None
    if standing is not None:
        out = pc.is_in(standing[_ITEM], value_set=pa.array(list(gone), pa.string()))
        tables.append(standing.filter(pc.invert(out)))
    if items:
        tables.append(parse_stac_items_to_arrow(list(items)).read_all())
    # Items of other settings have other assets and properties: the columns become those of all.
    table = pa.concat_tables(tables, promote_options="permissive")
    if table.num_rows == 0:
        store.delete(name)
        return 0
    store.write(name, _parquet(table.sort_by([(_ITEM, "ascending")])))
    return int(table.num_rows)


def _parquet(table: pa.Table) -> bytes:
    # stac-geoparquet writes to a path alone.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "part.parquet")
        to_parquet(table, path, compression="zstd")
        return path.read_bytes()


def items_of_part(store: Store, name: str) -> Iterable[dict[str, Any]]:
    """Items of a file, without the nulls that columns of other items leave."""
    return (_without_nulls(item) for item in stac_table_to_items(read_part(store, name)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
