"""Draw an answer as a map: one HTML file with the inventory's bursts, those of the answer marked."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_files.files import Store
from rtcflow_local.inventory.facts import PREFIX
from rtcflow_local.inventory.output import cell
from rtcflow_local.inventory.parts import read_parts
from rtcflow_local.inventory.questions import Question
from rtcflow_local.report.map_layout import Shape, make_map

# Degrees; a burst is some 0.2 by 1 degrees, and a map a few hundred pixels.
_TOLERANCE = 0.005
_MOST_ROWS = 2000
# The layout needs grids only for images, and there are none here.
_NO_GRID = Grid(epsg=4326, left=0, top=1, spacing=1, rows=1, cols=1)


def write_map(question: Question, answer: pa.Table, inventory: Store, path: Path) -> None:
    """Write the map of an answer; bursts without a footprint are only in its table.

    Parameters
    ----------
    question : Question
    answer : pyarrow.Table
        A column `burst_id` selects the marked bursts; without it, all bursts look alike.
    inventory : Store
    path : Path
        Of the HTML file.
    """
    footprints = _read_footprints(inventory)
    named = answer["burst_id"].to_pylist() if "burst_id" in answer.column_names else []
    marked = Counter(name for name in named if name)
    shapes = [Shape(burst_id, shape, _NO_GRID, None) for burst_id, shape in sorted(footprints.items())]
    rows = answer.slice(0, _MOST_ROWS).to_pylist()
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("rtcflow_local.inventory"), PackageLoader("rtcflow_local.report")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("inventory.html.j2").render(
        question=question,
        map=make_map(shapes),
        marked=marked,
        unplaced=sorted(marked.keys() - footprints.keys()),
        bursts=len(footprints),
        answers=answer.num_rows,
        columns=answer.column_names,
        rows=[[cell(row[name], name) for name in answer.column_names] for row in rows],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _read_footprints(inventory: Store) -> dict[str, dict[str, Any]]:
    """Simplified footprint of every burst as GeoJSON geometry, by burst id, from its latest backscatter product.

    Footprints of static layers are larger, and used only if there is no other.
    """
    static: dict[str, bytes] = {}
    found: dict[str, bytes] = {}
    for _, table in read_parts(inventory, ["geometry", "product:type", f"{PREFIX}burst_id"]):
        shapes = table["geometry"].cast(pa.binary()).to_pylist()
        types = table["product:type"].to_pylist()
        for burst_id, type_, shape in zip(table[f"{PREFIX}burst_id"].to_pylist(), types, shapes, strict=True):
            (static if type_ == Product.RTC_S1_STATIC else found)[burst_id] = shape
    found = static | found
    simple = shapely.simplify(shapely.from_wkb(list(found.values())), _TOLERANCE)
    return {
        burst_id: shapely.geometry.mapping(shape)
        for burst_id, shape in zip(found, simple, strict=True)
        if not shape.is_empty
    }
