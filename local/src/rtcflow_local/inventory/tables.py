"""The inventory as DuckDB tables: `products`, `outcomes`, `archive`."""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import PROCESSED_SCENES
from rtcflow_files.files import Store
from rtcflow_local.inventory.archive_listing import LISTING
from rtcflow_local.inventory.facts import PREFIX
from rtcflow_local.inventory.outcomes import read_outcomes
from rtcflow_local.inventory.parts import read_parts

_TIME = pa.timestamp("us", tz="UTC")
# Column of `products`: column of the items, and its type.
_COLUMNS: Mapping[str, tuple[str, pa.DataType]] = {
    "id": ("id", pa.string()),
    "collection": ("collection", pa.string()),
    "product": ("product:type", pa.string()),
    "burst_id": (f"{PREFIX}burst_id", pa.string()),
    "datetime": ("datetime", _TIME),
    "created": ("created", _TIME),
    "platform": ("platform", pa.string()),
    "orbit_state": ("sat:orbit_state", pa.string()),
    "orbit_type": ("s1:orbit_source", pa.string()),
    "version": ("processing:version", pa.string()),
    "engine": (f"{PREFIX}engine", pa.string()),
    "scene": ("s1:product_identifier", pa.string()),
    "execution": (f"{PREFIX}execution", pa.string()),
    "crs": ("proj:code", pa.string()),
    "resolution": ("gsd", pa.float64()),
    "output_crs": (f"{PREFIX}output_crs", pa.int64()),
    "dem": (f"{PREFIX}dem", pa.string()),
    "dem_datum": (f"{PREFIX}dem_datum", pa.string()),
    "linked_static": (f"{PREFIX}linked_static", pa.string()),
    "static_id": (f"{PREFIX}static_id", pa.string()),
    "bytes": (f"{PREFIX}bytes", pa.int64()),
    "files": (f"{PREFIX}files", pa.int64()),
    "seconds": (f"{PREFIX}seconds", pa.float64()),
    "item": (f"{PREFIX}item", pa.string()),
}
_BOX = ("xmin", "ymin", "xmax", "ymax")
_SIDES = ("west", "south", "east", "north")
# The record of a scene repeats an execution's report, which counts once.
_OUTCOMES = """
    CREATE TABLE outcomes AS SELECT * FROM outcomes_read AS one WHERE NOT (
        one.report LIKE $records AND EXISTS (
            SELECT 1 FROM outcomes_read AS other
            WHERE other.execution = one.execution AND other.report NOT LIKE $records
        )
    )
"""


def open_tables(inventory: Store, archive: pa.Table | None = None) -> duckdb.DuckDBPyConnection:
    """Open a database with the inventory; changes are not written back.

    Parameters
    ----------
    inventory : Store
    archive : pyarrow.Table, optional
        Listing of the archive: `burst_id`, `scene`, `date`.

    Raises
    ------
    RefusedError
        When there is no inventory.
    """
    wanted = [*(column for column, _ in _COLUMNS.values()), "bbox"]
    tables = [_products(table, inventory.href(name)) for name, table in read_parts(inventory, wanted)]
    outcomes = read_outcomes(inventory)
    if not tables and not outcomes.num_rows:
        raise RefusedError(
            f"there is no inventory at {inventory.href('')}; make one with: rtcflow inventory build SOURCE",
            reason="no-inventory",
        )
    products = pa.concat_tables(tables) if tables else _schema().empty_table()
    # Do not download extensions.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    database = duckdb.connect(config=settings)
    database.execute("SET TimeZone = 'UTC'")
    database.register("products_read", products)
    database.register("outcomes_read", outcomes)
    database.register("archive_read", archive if archive is not None else LISTING.empty_table())
    database.execute("CREATE TABLE products AS SELECT *, datetime::DATE AS date FROM products_read")
    database.execute(_OUTCOMES, {"records": f"%/{PROCESSED_SCENES}/%"})
    database.execute("CREATE TABLE archive AS SELECT DISTINCT * FROM archive_read")
    return database


def _schema() -> pa.Schema:
    own = [(name, kind) for name, (_, kind) in _COLUMNS.items()]
    return pa.schema([*own, *((side, pa.float64()) for side in _SIDES)])


def _products(read: pa.Table, where: str) -> pa.Table:
    """The columns of `products` from those of items; nulls for missing ones."""
    try:
        boxes = read["bbox"].combine_chunks()
        columns = [
            read[column].cast(kind) if column in read.column_names else pa.nulls(len(read), kind)
            for column, kind in _COLUMNS.values()
        ]
        return pa.table([*columns, *(boxes.field(corner) for corner in _BOX)], schema=_schema())
    except (pa.ArrowException, KeyError) as error:
        raise RefusedError(
            f"{where} has columns of other types ({str(error).splitlines()[0]}); delete it and build the inventory "
            "again, which names the wrong item",
            reason="inventory-part",
        ) from error
