"""The inventory's files: stac-geoparquet, one per collection and month; also the state of a build."""

import io
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from stac_geoparquet.arrow import parse_stac_items_to_arrow, stac_table_to_items, to_parquet

from rtcflow_contract.errors import NotFoundError, RefusedError
from rtcflow_files.files import Store
from rtcflow_local.inventory.facts import PREFIX

FOLDER = "items"
_READERS = 8
_ITEM, _TAG = f"{PREFIX}item", f"{PREFIX}tag"
# Raised by the libraries for items whose fields have conflicting types.
_MISFITS = (pa.ArrowException, ValueError, KeyError, TypeError, AttributeError)
_NAME = re.compile(rf"^{FOLDER}/[^/]+/\d{{4}}-\d\d\.parquet$")


class Known(NamedTuple):
    """An item in the inventory: its tag, and its file."""

    tag: str
    part: str


def part_of(item: dict[str, Any]) -> str:
    """Name of an item's file."""
    return f"{FOLDER}/{item['collection']}/{item['properties']['datetime'][:7]}.parquet"


def part_names(store: Store) -> list[str]:
    """Files of an inventory."""
    return sorted(entry.name for entry in store.entries(FOLDER, at_once=16) if _NAME.match(entry.name))


def read_known(store: Store) -> dict[str, Known]:
    """Read the known items of an inventory, by location."""
    known: dict[str, Known] = {}
    for name, table in read_parts(store, [_ITEM, _TAG]):
        for href, tag in zip(table[_ITEM].to_pylist(), table[_TAG].to_pylist(), strict=True):
            known[href] = Known(tag, name)
    return known


def read_parts(store: Store, columns: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Read columns of every file of an inventory, several files at once."""
    names = part_names(store)
    with ThreadPoolExecutor(_READERS) as pool:
        yield from zip(names, pool.map(lambda name: _read_part(store, name, columns), names), strict=True)


def _read_part(store: Store, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file of the inventory; missing columns are left out.

    Raises
    ------
    RefusedError
        When it is not a parquet file.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(store.read(name)))
        wanted = None if columns is None else [c for c in columns if c in file.schema_arrow.names]
        return file.read(wanted)
    except (pa.ArrowInvalid, OSError) as error:
        raise RefusedError(
            f"{store.href(name)} is not a parquet file ({error}); delete it and build the inventory again",
            reason="inventory-part",
        ) from error


def merge_part(
    store: Store, name: str, gone: Iterable[str], items: Sequence[dict[str, Any]]
) -> dict[str, str]:
    """Remove items from a file and add others; deletes an empty file.

    Items whose field types conflict with those of the majority are left out.

    Parameters
    ----------
    store : Store
    name : str
    gone : iterable of str
        Locations (`rtcflow:item`) of items to remove.
    items : sequence of dict
        Items with facts.

    Returns
    -------
    dict
        Why items were left out, by location.
    """
    tables: list[pa.Table] = []
    left_out: dict[str, str] = {}
    try:
        standing = _read_part(store, name)
    except NotFoundError:
        standing = None
    if standing is not None:
        out = pc.is_in(standing[_ITEM], value_set=pa.array(list(gone), pa.string()))
        tables.append(standing.filter(pc.invert(out)))
    try:
        table = _together([*tables, *([_arrow(items)] if items else [])])
    except _MISFITS:
        fitting, left_out = _fitting(tables, items)
        table = _together([*tables, *([_arrow(fitting)] if fitting else [])])
    if table is None or table.num_rows == 0:
        store.delete(name)
    else:
        store.write(name, _parquet(table.sort_by([(_ITEM, "ascending")])))
    return left_out


def _arrow(items: Sequence[dict[str, Any]]) -> pa.Table:
    return parse_stac_items_to_arrow(list(items)).read_all()


def _together(tables: Sequence[pa.Table]) -> pa.Table | None:
    # Items with other settings have other assets and properties, so columns are merged.
    return pa.concat_tables(tables, promote_options="permissive") if tables else None


def _fitting(
    tables: Sequence[pa.Table], items: Sequence[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Items whose types fit each other and the file, the most common first; and why others do not fit."""
    forms: dict[str, list[tuple[dict[str, Any], pa.Table]]] = defaultdict(list)
    left_out: dict[str, str] = {}
    for item in items:
        try:
            table = _arrow([item])
        except _MISFITS as error:
            left_out[item["properties"][_ITEM]] = _line(error)
        else:
            forms[str(table.schema)].append((item, table.schema.empty_table()))
    fitting: list[dict[str, Any]] = []
    columns = [table.schema.empty_table() for table in tables]
    for alike in sorted(forms.values(), key=len, reverse=True):
        try:
            columns = [pa.concat_tables([*columns, alike[0][1]], promote_options="permissive")]
            _arrow([*fitting, alike[0][0]])
        except _MISFITS as error:
            left_out |= {item["properties"][_ITEM]: _line(error) for item, _ in alike}
        else:
            fitting += [item for item, _ in alike]
    return fitting, left_out


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _parquet(table: pa.Table) -> bytes:
    # stac-geoparquet can only write to a path.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "part.parquet")
        to_parquet(table, path, compression="zstd")
        return path.read_bytes()


def items_of_part(store: Store, name: str) -> Iterable[dict[str, Any]]:
    """Items of a file, without nulls from columns of other items."""
    return (_without_nulls(item) for item in stac_table_to_items(_read_part(store, name)))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value
