"""Tools that read items and files: each asserts on pixels that rasterio read from the product itself."""

import json
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import rasterio

from ecosystem.database import AbsentError
from ecosystem.products import BURSTS, Place


def truth(item: Path, key: str) -> tuple[np.ndarray, rasterio.Affine, str]:
    """Pixels, transform and path of an asset, by the item's folder and rasterio alone."""
    href = json.loads(item.read_text())["assets"][key]["href"]
    path = href.removeprefix("file://") if href.startswith("file://") else str(item.parent / href)
    with rasterio.open(path) as source:
        return source.read(1), source.transform, path


def bright_pixel(item: Path, key: str = "VV") -> tuple[int, int, float]:
    """Row, column and value of a pixel to look for: the brightest away from the edges."""
    values, _, _ = truth(item, key)
    inner = np.where(np.isfinite(values), values, -1)[5:-5, 5:-5]
    row, col = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(row) + 5, int(col) + 5, float(inner.max())


def centre(item: Path, row: int, col: int) -> tuple[float, float]:
    """Map coordinates of a pixel's centre."""
    _, transform, _ = truth(item, "VV")
    x, y = transform * (col + 0.5, row + 0.5)
    return float(x), float(y)


def lonlat(item: Path, row: int, col: int) -> tuple[float, float]:
    """Longitude and latitude of a pixel's centre."""
    from rasterio.warp import transform as warp

    code = json.loads(item.read_text())["properties"]["proj:code"]
    x, y = centre(item, row, col)
    (lon,), (lat,) = warp(code, "EPSG:4326", [x], [y])
    return lon, lat


def check_pystac(place: Place) -> str:
    """Items from their JSON alone, and the collection's, from another folder."""
    collection = pystac.Collection.from_file(str(place.opera / "collection.json"))
    assert list(collection.get_items()), "get_items() of the collection finds nothing"
    for path in place.items:
        item = pystac.Item.from_dict(json.loads(path.read_text()))
        for key in ("VV", "mask", "local_incidence_angle"):
            with rasterio.open(item.assets[key].get_absolute_href()) as source:
                assert np.array_equal(source.read(1), truth(path, key)[0], equal_nan=True), key
        collected = item.get_collection()
        assert collected is not None
        assert collected.id == collection.id
    return f"{len(place.items)} items from JSON, from another folder: VV, mask and static layers equal rasterio's"


def check_stac_check(place: Place) -> str:
    """Nothing of substance in what the linter says."""
    from stac_check.lint import Linter

    linter = Linter(str(place.items[0]))
    said = [line.strip() for line in linter.best_practices_msg[1:] if line.strip()]
    assert not any("geometry" in line or "datetime" in line or "bbox" in line for line in said), said
    if linter.error_type == "ConnectionError" or "Failed to resolve" in str(linter.error_msg):
        return f"schemas cannot be reached from here; best practices: {len(said)} remarks, none on geometry or time"
    assert linter.valid_stac, linter.error_msg
    return f"valid; {len(said)} remarks of taste (names in capitals, number of properties)"


def check_odc_stac(place: Place) -> str:
    """Two passes with the mask and the linked static layers, without naming bands."""
    import odc.stac

    items = [pystac.Item.from_file(str(path)) for path in place.items if BURSTS[0] in str(path)]
    loaded = odc.stac.load(items)
    assert loaded.sizes["time"] == 2
    assert {"VV", "VH", "mask", "local_incidence_angle"} <= set(loaded.data_vars)
    for number, path in enumerate(path for path in place.items if BURSTS[0] in str(path)):
        row, col, value = bright_pixel(path)
        x, y = centre(path, row, col)
        at = loaded.isel(time=number).sel(x=x, y=y, method="nearest", tolerance=1)
        assert float(at.VV) == np.float32(value), (float(at.VV), value)
        assert int(at["mask"]) == truth(path, "mask")[0][row, col]
    db = 10 * np.log10(loaded.VV.where(loaded["mask"] == 0))
    assert np.isfinite(db).any()
    assert loaded.VV.dtype == "float32"
    assert loaded["mask"].dtype == "uint8"
    return "load() without bands=: 2 passes, mask and static layers; brightest pixels equal rasterio's"


def check_stackstac(place: Place) -> str:
    """A stack of one layer."""
    import stackstac

    path = place.items[0]
    # It takes hrefs as they are written.
    item = pystac.Item.from_file(str(path)).make_asset_hrefs_absolute()
    row, col, value = bright_pixel(path)
    x, y = centre(path, row, col)
    properties = item.properties
    # stackstac 0.5 does not know proj:code, and so neither the grid.
    stack = stackstac.stack(
        [item],
        assets=["VV"],
        epsg=int(properties["proj:code"].removeprefix("EPSG:")),
        bounds=properties["proj:bbox"],
        resolution=properties["gsd"],
        xy_coords="center",
        rescale=False,
    )
    got = float(stack.isel(time=0, band=0).sel(x=x, y=y, method="nearest", tolerance=1).compute())
    assert got == np.float32(value), (got, value)
    return "brightest pixel equals rasterio's (with epsg=, bounds=, resolution=: it does not know proj:code)"


def check_rio_tiler(place: Place) -> str:
    """Information on all assets, a point and a preview."""
    from rio_tiler.io import STACReader

    path = place.items[0]
    row, col, value = bright_pixel(path)
    with STACReader(str(path)) as reader:
        info = reader.info()
        assert {"VV", "mask"} <= set(info)
        assert "metadata" not in info
        point = reader.point(*lonlat(path, row, col), assets=["VV"])
        assert np.float32(point.data.ravel()[0]) == np.float32(value), point.data
        preview = reader.preview(assets=["VV"], max_size=256)
    assert preview.mask.any()
    return (
        f"info() of {len(info)} assets, point equals rasterio's, preview {preview.width} x {preview.height}"
    )


def check_titiler(place: Place) -> str:
    """A point, and a picture by the collection's render."""
    from fastapi.testclient import TestClient
    from titiler.application.main import app

    path = place.items[0]
    row, col, value = bright_pixel(path)
    lon, lat = lonlat(path, row, col)
    client = TestClient(app)
    answer = client.get(f"/stac/point/{lon},{lat}", params={"url": str(path), "assets": "VV"})
    assert answer.status_code == 200, answer.text[:300]
    (got,) = _numbers(answer.json())
    assert np.float32(got) == np.float32(value), (got, value)
    renders = json.loads((place.opera / "collection.json").read_text())["renders"]
    low, high = renders["vv"]["rescale"][0]
    picture = client.get(
        "/stac/preview.png",
        params={"url": str(path), "assets": "VV", "rescale": f"{low},{high}", "max_size": 256},
    )
    assert picture.status_code == 200, picture.text[:300]
    assert picture.content.startswith(b"\x89PNG")
    return f"point equals rasterio's; preview by the collection's render, {len(picture.content)} bytes"


def _numbers(answer: Any) -> list[float]:
    values = answer["values"] if "values" in answer else answer["assets"][0]["values"]
    return [float(v) for v in np.asarray(values, float).ravel()][:1]


def check_rustac(place: Place) -> str:
    """The item, and a search of the inventory's GeoParquet."""
    import asyncio

    import rustac

    async def through(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            await rustac.write(f"{folder}/items.parquet", items)
            return list((await rustac.read(f"{folder}/items.parquet"))["features"])

    items = [json.loads(path.read_text()) for path in place.items]
    said = "items as they are"
    try:
        found = asyncio.run(through(items))
    except rustac.RustacError as error:
        # "nodata": "nan" is right by STAC 1.1; rustac 0.9 wants a number there.
        if "nan" not in str(error) and "variant" not in str(error):
            raise
        said = 'without their "nodata": "nan", which STAC 1.1 has and it refuses'
        for item in items:
            for asset in item["assets"].values():
                if asset.get("nodata") == "nan":
                    del asset["nodata"]
        found = asyncio.run(through(items))
    assert {entry["id"] for entry in found} == {item["id"] for item in items}
    by_id = {entry["id"]: entry for entry in found}
    for item in items:
        assert by_id[item["id"]]["assets"]["VV"]["href"] == item["assets"]["VV"]["href"]
    return f"{len(items)} items to GeoParquet and back, {said}"


def check_duckdb(place: Place) -> str:
    """A burst's passes in the inventory's GeoParquet."""
    import duckdb

    parquet = str(place.inventory / "items" / "**" / "*.parquet")
    query = f"""select id, "odc:region_code" as burst, links from read_parquet('{parquet}', union_by_name=true)
                where "odc:region_code" = '{BURSTS[1]}' order by datetime"""
    rows = duckdb.sql(query).fetchall()
    assert [row[1] for row in rows] == [BURSTS[1]] * 2, rows
    (own,) = [link["href"] for link in rows[0][2] if link["rel"] == "self"]
    assert Path(own.removeprefix("file://")).is_file(), own
    return "burst's 2 passes by odc:region_code in the inventory's parquet; self leads to the file"


def check_gdal(place: Place) -> str:
    """A pixel, statistics, overviews and colours, by GDAL's own programs."""
    path = place.items[0]
    row, col, value = bright_pixel(path)
    _, _, tif = truth(path, "VV")
    got = _tool("gdal-bin", "gdallocationinfo", "-valonly", tif, str(col), str(row))
    assert np.float32(got) == np.float32(value), (got, value)
    info = json.loads(_tool("gdal-bin", "gdalinfo", "-json", tif))
    band = info["bands"][0]
    assert float(band["metadata"][""]["STATISTICS_MAXIMUM"]) < value
    mask = json.loads(_tool("gdal-bin", "gdalinfo", "-json", truth(path, "mask")[2]))["bands"][0]
    assert mask["colorTable"]["entries"][2][:3] == [230, 159, 0]
    assert len(band["overviews"]) >= 1
    release = _tool("gdal-bin", "gdalinfo", "--version").split(",")[0]
    return f"{release}: pixel equals rasterio's, statistics without point targets, colours of the mask"


def check_qgis(place: Place) -> str:
    """A pixel, and how the layers are drawn by default."""
    path = place.items[0]
    row, col, value = bright_pixel(path)
    x, y = centre(path, row, col)
    script = Path(__file__).with_name("qgis_look.py")
    python = "/usr/bin/python3"
    probe = subprocess.run([python, "-c", "import qgis.core"], capture_output=True, check=False)
    if probe.returncode:
        raise AbsentError("apt-get install python3-qgis")
    done = subprocess.run(
        [python, str(script), truth(path, "VV")[2], truth(path, "mask")[2], str(x), str(y)],
        capture_output=True,
        text=True,
        check=False,
        env={"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": "/tmp"},
    )
    assert done.returncode == 0, done.stderr[-500:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert np.float32(seen["value"]) == np.float32(value), seen
    assert seen["vv_renderer"] == "singlebandpseudocolor"
    assert "-10 dB" in seen["vv_labels"]
    assert "Layover" in seen["mask_labels"], seen
    return f"{seen['version']}: pixel equals rasterio's, grey by decibels, class names of the mask"


def _tool(package: str, *words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise AbsentError(f"apt-get install {package}") from error
    return done.stdout.strip()


warnings.simplefilter("ignore")
FILE_CHECKS = {
    "pystac": check_pystac,
    "stac-check": check_stac_check,
    "odc-stac": check_odc_stac,
    "stackstac": check_stackstac,
    "rio-tiler": check_rio_tiler,
    "titiler.application": check_titiler,
    "rustac": check_rustac,
    "duckdb": check_duckdb,
    "GDAL": check_gdal,
    "QGIS": check_qgis,
}
