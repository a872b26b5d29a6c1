import io
import json

import numpy as np
import pytest
from PIL import Image

from rtcflow_contract.grid import Grid
from rtcflow_local.report.figures import decibel, dollars, duration, size, word
from rtcflow_local.report.map_layout import Shape, make_map
from rtcflow_local.report.pictures import shrink
from tests.support.history_case import START
from tests.support.report_case import footprint, png

GRID = Grid(epsg=32756, left=226000, top=6160000, spacing=20, rows=1700, cols=3700)


def points(path: str) -> np.ndarray:
    return np.array([[float(v) for v in p.split()] for p in path.strip("MZ").split("L")])


def test_the_map_is_true_to_scale_and_holds_everything():
    placed = make_map(
        [Shape("a", footprint(150.0, -35.0), GRID, None), Shape("b", footprint(151.0, -34.5), GRID, None)]
    )
    assert placed is not None
    every = np.vstack([points(burst.path) for burst in placed.bursts])
    assert every.min() >= 0
    assert every[:, 0].max() <= placed.width
    assert every[:, 1].max() <= placed.height
    # A side of 0.8 degrees of longitude at 35 degrees south is 73.0 km on the ellipsoid.
    corners = points(placed.bursts[0].path)
    assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(
        placed.bar / placed.bar_km * 73.0, rel=0.01
    )


def test_north_is_up():
    placed = make_map(
        [Shape("s", footprint(150, -35), GRID, None), Shape("n", footprint(150, -34), GRID, None)]
    )
    south, north = placed.bursts
    assert north.label[1] < south.label[1]


def test_the_map_does_not_tear_at_the_antimeridian():
    west, east = footprint(179.2, -17.0), footprint(-180.0, -17.0)
    both = {"type": "MultiPolygon", "coordinates": [west["coordinates"], east["coordinates"]]}
    placed = make_map([Shape("a", both, GRID, None)])
    longest = max(abs(np.diff(points(ring)[:, 0])).max() for ring in placed.bursts[0].path.split(" M"))
    assert placed.bar / placed.bar_km * 1000 * 0.001 * 170 > longest
    assert {"180° W", "180.0° W", "180.00° W"} & {line.text for line in placed.lines}


def test_the_map_works_near_the_pole():
    assert make_map([Shape("a", footprint(20.0, -89.5), GRID, None)]).bursts[0].path


def test_an_image_lies_on_its_footprint():
    grid = Grid(epsg=32756, left=300000, top=6200000, spacing=100, rows=300, cols=800)
    from pyproj import Transformer

    to_degrees = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    left, bottom, right, top = grid.bounds
    ring = [
        to_degrees.transform(x, y) for x, y in ((left, top), (right, top), (right, bottom), (left, bottom))
    ]
    shape = Shape("a", {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}, grid, (400, 150))
    burst = make_map([shape]).bursts[0]
    a, b, c, d, e, f = (float(v) for v in burst.matrix.split())
    corners = [(a * x + c * y + e, b * x + d * y + f) for x, y in ((0, 0), (400, 0), (400, 150), (0, 150))]
    np.testing.assert_allclose(points(burst.path)[:4], corners, atol=1.0)


def test_no_footprint_is_no_map():
    assert make_map([]) is None


def test_a_browse_image_shrinks_to_its_share():
    noise = np.random.default_rng(1).integers(0, 255, (1500, 2000, 4), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise, "RGBA").save(out, "PNG")
    picture = shrink(out.getvalue(), 30)
    assert len(picture.data) <= 5_000_000 // 30
    assert picture.width / picture.height == pytest.approx(2000 / 1500, rel=0.02)


def test_a_browse_image_knows_its_valid_part():
    assert shrink(png(), 1).inside == (10, 10, 100, 40)


def test_a_file_that_is_no_image_is_left_out():
    assert shrink(b"not a png", 1) is None


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (duration(4.23), "4.2 s"), (duration(185), "3 min 05 s"), (duration(7800), "2 h 10 min"), (duration(None), "–"),
        (size(312_400_000), "312 MB"), (size(0), "0 B"), (dollars(0.0421), "$0.042"), (dollars(12.5), "$12.50"),
        (dollars(0.00001), "under $0.0001"), (decibel(0.1), "-10.00"), (decibel(0.0), "–"),
        (word([1, None, True]), "1 – yes"), (word(json.loads("2.50")), "2.5"), (f"{START:%Y}", "2025"),
    ],
)  # fmt: skip
def test_figures_read_well(sentence, expected):
    assert sentence == expected
