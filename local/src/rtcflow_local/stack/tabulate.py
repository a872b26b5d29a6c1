"""Write the result of a search as a table, GeoJSON, CSV or parquet."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely
from pyarrow import parquet

from rtcflow_contract.errors import RefusedError
from rtcflow_local.inventory.output import Format, show
from rtcflow_local.stack.acquisitions import Found

_WRITERS = {".geojson", ".json", ".csv", ".parquet"}


def _table_of(found: Found) -> pa.Table:
    """One row per burst and pass."""
    rows = [
        {
            "pass": one.pass_id,
            "sensing_start": burst.sensing_start,
            "burst_id": burst.burst_id,
            "relative_orbit": burst.relative_orbit,
            "orbit_direction": burst.orbit_direction,
            "polarizations": " ".join(burst.polarizations),
            "scene": burst.scene.id,
            "bytes": burst.size,
        }
        for one in found.passes
        for burst in one.bursts
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    [
        ("pass", pa.string()),
        ("sensing_start", pa.timestamp("ms", "UTC")),
        ("burst_id", pa.string()),
        ("relative_orbit", pa.int16()),
        ("orbit_direction", pa.string()),
        ("polarizations", pa.string()),
        ("scene", pa.string()),
        ("bytes", pa.int64()),
    ]
)


def passes_table(found: Found) -> pa.Table:
    """One row per pass, as narrow as a terminal of 60 columns; the pass has the direction at its end."""
    rows = [
        {
            "pass": one.pass_id,
            "start (UTC)": f"{one.start:%Y-%m-%d %H:%M}",
            "orbit": one.bursts[0].relative_orbit,
            "bursts": len(one.bursts),
            "bands": " ".join(one.bursts[0].polarizations),
            "GB": f"{sum(burst.size for burst in one.bursts) / 1e9:.2f}",
        }
        for one in found.passes
    ]
    return pa.Table.from_pylist(rows)


def geojson_of(found: Found) -> dict[str, Any]:
    """One feature per burst and pass; without a geometry if the catalogue has none."""
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(burst.outline) if burst.outline is not None else None,
            "properties": dict(row),
        }
        for burst, row in zip(found.bursts, _table_of(found).to_pylist(), strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def check_format(path: Path) -> str:
    """The ending of a file, which names its format.

    Raises
    ------
    RefusedError
        When it names none.
    """
    kind = path.suffix.lower()
    if kind not in _WRITERS:
        raise RefusedError(f"{path} ends in none of {', '.join(sorted(_WRITERS))}; rename it", "format")
    return kind


def write_found(found: Found, path: Path) -> None:
    """Write the result in the format of the file's ending.

    Raises
    ------
    RefusedError
        When the ending is unknown.
    """
    kind = check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == ".parquet":
        parquet.write_table(_table_of(found), path)
    elif kind == ".csv":
        show(_table_of(found), Format.CSV, path)
    else:
        path.write_text(json.dumps(geojson_of(found), indent=1, default=lambda time: time.isoformat()) + "\n")
