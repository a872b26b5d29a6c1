"""Turn an answer of the inventory into a campaign list with one scene payload per line."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import duckdb

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import parse_s3_uri
from rtcflow_contract.layers import Product
from rtcflow_contract.product_id import check_version
from rtcflow_contract.request import DEFAULT_COLLECTIONS, Engine, OnExisting, OrbitChoice, parse_request
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_contract.scene_rules import refuse_uncalibrated
from rtcflow_local.inventory.questions import HAS_STATIC, MISSING_DATES, MISSING_IN_COLLECTION

_WHY = {
    "uncalibrated": "dates of a period before the platform was calibrated",
    "scene-id": "dates without the name of a scene",
}
_COLUMNS = "burst_id, scene, product, collection, resolution, output_crs, dem, dem_datum, linked_static, item"


class Wanted(NamedTuple):
    """Products to make again: a condition on `products`, its parameter, and the changed payload fields.

    `unknown` is the condition of products for which the inventory cannot tell; they are counted but not made.
    """

    condition: str
    parameter: Any
    changes: dict[str, Any]
    unknown: str = "false"


class MissingDates(NamedTuple):
    """Dates of the archive to make: rows like those of `select`, and numbers left out by reason."""

    rows: list[dict[str, Any]]
    left_out: dict[str, int]


def precise_orbit() -> Wanted:
    """Products made without a precise orbit."""
    changes = {"orbit": OrbitChoice.PRECISE.value, "on_existing": OnExisting.REPLACE.value}
    return Wanted(
        "product = 'RTC_S1' AND orbit_type <> 'POEORB' AND $1",
        True,
        changes,
        unknown="product = 'RTC_S1' AND orbit_type IS NULL",
    )


def version_below(version: str) -> Wanted:
    """Products of an older version than `1.2`, to be made beside them.

    Raises
    ------
    RefusedError
        When it is not a version.
    """
    check_version(version)
    parts = "list_transform(string_split(version, '.'), lambda part: TRY_CAST(part AS INT))"
    return Wanted(
        f"{parts} < $1",
        [int(part) for part in version.split(".")],
        {"on_existing": OnExisting.BESIDE.value},
        unknown=f"version IS NULL OR list_contains(list_transform({parts}, lambda part: part IS NULL), true)",
    )


def other_engine(engine: Engine) -> Wanted:
    """Products made by another engine."""
    changes = {"engine": engine.value, "on_existing": OnExisting.REPLACE.value}
    return Wanted("engine <> $1", engine.value, changes, unknown="engine IS NULL")


def unreadable() -> Wanted:
    """Products whose manifest cannot be read, which counts as missing, to make again in place."""
    return Wanted("engine IS NULL AND $1", True, {})


def missing_static() -> Wanted:
    """The latest product of each burst without static layers, to make these from its scene."""
    condition = f"""
        product = 'RTC_S1' AND $1 AND NOT {HAS_STATIC}
        QUALIFY row_number() OVER (PARTITION BY burst_id, resolution, crs ORDER BY datetime DESC) = 1
    """
    changes = {
        "product": Product.RTC_S1_STATIC.value,
        "collection": DEFAULT_COLLECTIONS[Product.RTC_S1_STATIC],
        "on_existing": OnExisting.SKIP.value,
    }
    return Wanted(condition, True, changes)


def select(
    database: duckdb.DuckDBPyConnection, wanted: Wanted, collection: str | None = None
) -> list[dict[str, Any]]:
    """Rows of `products` to make again."""
    inner = "SELECT * FROM products" + (" WHERE collection = $2" if collection else "")
    parameters = [wanted.parameter, *([collection] if collection else [])]
    query = f"SELECT {_COLUMNS} FROM ({inner}) AS products WHERE {wanted.condition} ORDER BY scene, burst_id"
    return database.sql(query, params=parameters).to_arrow_table().to_pylist()


def count_unknown(database: duckdb.DuckDBPyConnection, wanted: Wanted, collection: str | None = None) -> int:
    """Number of products for which the inventory cannot tell whether to make them again."""
    parameters = [collection] if collection else []
    inner = f"SELECT count(*) FROM products WHERE ({wanted.unknown})" + (
        " AND collection = $1" if collection else ""
    )
    row = database.execute(inner, parameters).fetchone()
    return int(row[0]) if row else 0


def missing_dates(database: duckdb.DuckDBPyConnection, collection: str | None = None) -> MissingDates:
    """Dates of a burst in the archive but not in a collection, with the settings of the burst's last product there.

    A burst without a product in the collection gets the settings of the collection's last product. Dates that can never
    work are left out: scenes from before calibration, invalid names, and bursts whose collection is ambiguous.
    """
    if collection:
        found = database.sql(MISSING_IN_COLLECTION, params=[collection])
    else:
        found = database.sql(f"SELECT * FROM ({MISSING_DATES}) ORDER BY scene, burst_id, collection")
    latest = database.sql(
        f"SELECT {_COLUMNS} FROM products WHERE product = 'RTC_S1' ORDER BY datetime"
    ).to_arrow_table()
    # The last one of each is used.
    by_burst = {(row["burst_id"], row["collection"]): row for row in latest.to_pylist()}
    by_collection = {row["collection"]: row for row in by_burst.values()}
    only = next(iter(by_collection)) if len(by_collection) == 1 else None
    rows: list[dict[str, Any]] = []
    left_out: Counter[str] = Counter()
    for date in found.to_arrow_table().to_pylist():
        place = date["collection"] or only
        settings = by_burst.get((date["burst_id"], place)) or by_collection.get(place)
        try:
            refuse_uncalibrated(parse_scene_id(date["scene"] or ""))
        except RefusedError as error:
            left_out[_WHY.get(error.reason, error.reason)] += 1
            continue
        if settings is None:
            left_out[
                "dates of bursts without a product, of which several collections could be; give --collection"
            ] += 1
            continue
        rows.append({**settings, "burst_id": date["burst_id"], "scene": date["scene"]})
    return MissingDates(rows, dict(left_out))


def payloads(
    rows: Iterable[Mapping[str, Any]], changes: Mapping[str, Any], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Scene payloads that make products again in place; bursts of a scene with equal settings share a payload.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of `select`.
    changes : mapping
        Payload fields that differ from those of the existing product.
    settings : mapping
        Payload fields that override everything.

    Raises
    ------
    RefusedError
        When a product is not in S3, or the payload would be refused.
    """
    bursts: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        payload = {**_made_with(row), **changes, **settings}
        if payload["product"] == Product.RTC_S1_STATIC:
            payload = {
                key: value
                for key, value in payload.items()
                if not key.startswith(("link_static", "linked_static"))
            }
        bursts[json.dumps(payload, sort_keys=True)].append(row["burst_id"])
    made = [
        {**json.loads(text), "burst_id_list": sorted(set(names))} for text, names in sorted(bursts.items())
    ]
    for payload in made:
        parse_request(payload, payload["s3_bucket"])
    return sorted(made, key=lambda payload: (payload["scene"], payload["burst_id_list"]))


def _made_with(row: Mapping[str, Any]) -> dict[str, Any]:
    """The payload fields that a product was made with."""
    bucket, folder, _ = _place(row["item"], row["collection"])
    fields = {
        "scene": row["scene"],
        "product": row["product"],
        "s3_bucket": bucket,
        "s3_project_folder": folder,
        "collection": row["collection"],
        "resolution": int(row["resolution"]),
        "output_crs": row["output_crs"],
        "dem": row["dem"],
        "dem_datum": row["dem_datum"],
    }
    if row["linked_static"]:
        bucket, folder, collection = _place(row["linked_static"])
        fields |= {
            "link_static_layers": True,
            "linked_static_layers_s3_bucket": bucket,
            "linked_static_layers_s3_project_folder": folder,
            "linked_static_layers_collection": collection,
        }
    return {name: value for name, value in fields.items() if value is not None}


def _place(href: str, collection: str | None = None) -> tuple[str, str, str]:
    """Bucket, project folder and collection of a file in a product's folder."""
    if not href.startswith("s3://"):
        raise RefusedError(
            f"{href} is not in S3, and campaigns make products only there; use `rtcflow burst` for local ones",
            reason="not-in-s3",
        )
    at = parse_s3_uri(href)
    above = re.split(r"/?t\d{3}_\d{6}_iw[123]/", at.key)[0]
    folder, _, name = above.rpartition("/")
    return at.bucket, folder, collection or name
