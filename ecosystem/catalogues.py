"""Catalogues in a PostgreSQL: products are loaded as they are, found by search, and compared with rasterio."""

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ecosystem.database import AbsentError, has_postgis
from ecosystem.files import bright_pixel, truth
from ecosystem.products import BURSTS, Place


def check_datacube(place: Place, address: str) -> str:
    """Our definitions, and Geoscience Australia's where they are at hand, with products as they are."""
    os.environ["ODC_DEFAULT_DB_URL"] = address
    _datacube("system", "init")
    _datacube("metadata", "add", *map(str, sorted((place.docs / "odc").glob("*-type.yaml"))))
    _datacube("product", "add", *map(str, sorted((place.docs / "odc").glob("*-product.yaml"))))
    _index(place.opera, "**/metadata.json")
    _index(place.opera_static, "**/metadata.json")

    import datacube

    dc = datacube.Datacube()
    found = dc.find_datasets(product="s1_rtc_c1", region_code=BURSTS[0])
    assert len(found) == 2, found
    path = next(path for path in place.items if BURSTS[0] in str(path))
    _same_pixels(dc, path, "s1_rtc_c1", "VV", "mask")
    static = dc.find_datasets(product="s1_rtc_static_c1", region_code=BURSTS[0])
    assert len(static) == 1, static
    said = "fs-to-dc, docs/odc: 2 passes by region_code, brightest pixel and mask equal rasterio's"
    return said + _ga(place, dc)


def _ga(place: Place, dc: object) -> str:
    today = place.shared / "today" if place.shared else None
    if today is None or not today.is_dir():
        return "; Geoscience Australia's definitions are not at hand (RTCFLOW_SHARED)"
    _datacube("metadata", "add", *map(str, sorted(today.glob("*-type.yaml"))))
    _datacube("product", "add", *map(str, sorted(today.glob("*-product.yaml"))))
    _index(place.ga, "**/*_stac-item.json")
    product = "ga_s1_nrb_iw_vv_vh_1"
    found = dc.find_datasets(product=product, burst_id=BURSTS[0])  # type: ignore[attr-defined]
    assert len(found) == 1, found
    assert found[0].metadata.measurement_type == "Gamma-0"
    path = next(path for path in place.ga.rglob("*_stac-item.json") if BURSTS[0] in str(path))
    _same_pixels(dc, path, product, "VV_gamma0", "mask")
    return f"; naming ga in {product} unchanged: found by burst_id, brightest pixel and mask equal"


def _same_pixels(dc: object, path: Path, product: str, key: str, mask: str) -> None:
    item = json.loads(path.read_text())
    row, col, value = bright_pixel(path, key)
    x, y = centre_of(path, key, row, col)
    loaded = dc.load(  # type: ignore[attr-defined]
        product=product,
        region_code=item["properties"]["odc:region_code"],
        time=item["properties"]["start_datetime"][:10],
        measurements=[key, mask],
        output_crs=item["properties"]["proj:code"],
        resolution=(-20, 20),
        align=(0, 0),
    )
    at = loaded.isel(time=0).sel(x=x, y=y, method="nearest", tolerance=1)
    assert float(at[key]) == np.float32(value), (float(at[key]), value)
    assert int(at[mask]) == truth(path, mask)[0][row, col]


def centre_of(path: Path, key: str, row: int, col: int) -> tuple[float, float]:
    """Map coordinates of a pixel's centre."""
    _, transform, _ = truth(path, key)
    x, y = transform * (col + 0.5, row + 0.5)
    return float(x), float(y)


def _datacube(*words: str) -> None:
    from datacube.scripts.cli_app import cli

    _invoke(cli, *words)


def _index(folder: Path, glob: str) -> None:
    # In this process, since loading datacube takes longer than indexing.
    from odc.apps.dc_tools.fs_to_dc import cli

    _invoke(cli, str(folder), "--stac", "--glob", glob)


def _invoke(command: Any, *words: str) -> None:
    from click.testing import CliRunner

    told = io.StringIO()
    handler = logging.StreamHandler(told)
    logging.getLogger().addHandler(handler)
    try:
        done = CliRunner().invoke(command, list(words))
    finally:
        logging.getLogger().removeHandler(handler)
    said = done.output + told.getvalue()
    assert done.exit_code == 0, f"{command.name} {' '.join(words[:2])}: {said[-600:]} {done.exception}"
    # fs-to-dc goes on after a dataset that it cannot add.
    assert "Failed to add" not in said, said[-900:]


def check_pgstac(place: Place, address: str) -> str:
    """Collection, items and queryables loaded; items found by burst and by place."""
    if not has_postgis():
        raise AbsentError("apt-get install postgresql-postgis")
    import psycopg
    from pypgstac.db import PgstacDB
    from pypgstac.load import Loader, Methods
    from pypgstac.migrate import Migrate

    collection = json.loads((place.opera / "collection.json").read_text())
    items = [json.loads(path.read_text()) for path in place.items]
    with PgstacDB(dsn=address) as db:
        Migrate(db).run_migration()
        loader = Loader(db)
        loader.load_collections(iter([collection]), Methods.insert)
        loader.load_items(iter(items), Methods.insert)
    queryables = str(place.docs / "stac" / "queryables.json")
    program = str(Path(sys.executable).with_name("pypgstac"))
    subprocess.run(
        [program, "load_queryables", queryables, "--dsn", address], check=True, capture_output=True
    )
    with psycopg.connect(address) as connection:
        connection.execute("set search_path to pgstac, public")

        def search(**query: object) -> list[str]:
            (found,) = connection.execute("select search(%s::jsonb)", [json.dumps(query)]).fetchone()  # type: ignore[misc]
            return sorted(feature["id"] for feature in found["features"])

        burst = {"op": "=", "args": [{"property": "odc:region_code"}, BURSTS[0]]}
        of_burst = sorted(item["id"] for item in items if item["properties"]["odc:region_code"] == BURSTS[0])
        assert search(filter=burst, **{"filter-lang": "cql2-json"}) == of_burst
        assert search(collections=[collection["id"]], bbox=items[0]["bbox"])
        (known,) = connection.execute("select get_queryables(null::text)").fetchone()  # type: ignore[misc]
        assert known["properties"]["sat:relative_orbit"]["type"] == "integer"
    return (
        f"{len(items)} items and the queryables loaded; the burst's {len(of_burst)} found by odc:region_code"
    )


DATABASE_CHECKS: dict[str, Callable[[Place, str], str]] = {
    "datacube": check_datacube,
    "pypgstac": check_pgstac,
}
