"""`rtcflow search`: passes and bursts over an area, from the archive's catalogue."""

import csv
import json
import sys
from datetime import date

import pyarrow.parquet
import pytest

from rtcflow.cli import app
from rtcflow_contract.errors import RefusedError
from rtcflow_local.report.coastline import coast_in
from rtcflow_local.sample import SampleSpec, write_sample
from rtcflow_local.stack.aoi import area_of_interest
from tests.support.archive_asf import AsfArchive

BOX = "150,-36,152,-34"


@pytest.fixture(scope="module")
def passes(tmp_path_factory):
    """Two passes of a track, twelve days or a multiple apart."""
    days = ("2023-01-01", "2023-01-14")
    specs = [SampleSpec(lines=64, samples=512, day=date.fromisoformat(d)) for d in days]
    return [write_sample(tmp_path_factory.mktemp("pass"), spec) for spec in specs]


@pytest.fixture
def archive(passes, monkeypatch):
    made = AsfArchive(*(sample.safe for sample in passes))
    for name, value in made.environment.items():
        if not name.startswith("EARTHDATA_LOGIN") and not name.startswith("EARTHDATA_PASS"):
            monkeypatch.setenv(name, value)
    yield made
    made.close()


@pytest.fixture
def search(monkeypatch, capsys, archive):
    def run(*words, start="2023-01-01", end="2023-03-01"):
        monkeypatch.setattr(
            sys, "argv", ["rtcflow", "search", "--start", start, "--end", end, *map(str, words)]
        )
        with pytest.raises(SystemExit) as caught:
            app.main()
        return caught.value.code or 0, capsys.readouterr()

    return run


def test_passes_and_bursts_without_a_login(search, passes, monkeypatch):
    monkeypatch.delenv("EARTHDATA_LOGIN", raising=False)
    code, sentence = search("--bbox", BOX)
    assert code == 0
    assert "2 passes, 8 bursts of 4 burst ids" in sentence.out
    for sample in passes:
        assert f"S1A_{sample.scene.split('_')[-3]}_D" in sentence.out


def test_geojson_csv_and_parquet_have_one_row_a_burst(search, passes, tmp_path):
    for ending in ("geojson", "csv", "parquet"):
        assert search("--bbox", BOX, "--out", tmp_path / f"b.{ending}")[0] == 0
    features = json.loads((tmp_path / "b.geojson").read_text())["features"]
    rows = list(csv.DictReader((tmp_path / "b.csv").open()))
    table = pyarrow.parquet.read_table(tmp_path / "b.parquet")
    assert len(features) == len(rows) == table.num_rows == 8
    assert {f["properties"]["scene"] for f in features} == {sample.scene for sample in passes}
    assert all(f["geometry"]["type"] == "Polygon" for f in features)
    assert [row["burst_id"] for row in rows] == table["burst_id"].to_pylist()


def test_json_is_geojson_and_nothing_else(search):
    _, sentence = search("--bbox", BOX, "--json")
    assert len(json.loads(sentence.out)["features"]) == 8


@pytest.mark.parametrize(
    ("words", "bursts"),
    [
        (("--burst-id", "T147-314885-IW1"), 2),
        (("--orbit-direction", "descending"), 8),
        (("--orbit-direction", "ascending"), 0),
        (("--relative-orbit", "147"), 8),
        (("--relative-orbit", "12"), 0),
        (("--polarization", "vh"), 8),
        (("--polarization", "HH"), 0),
    ],
)
def test_filters_keep_what_they_name(search, words, bursts):
    _, sentence = search("--bbox", BOX, "--json", *words)
    assert len(json.loads(sentence.out)["features"]) == bursts


def test_days_are_both_included(search):
    _, sentence = search("--bbox", BOX, "--json", start="2023-01-01", end="2023-01-01")
    assert len(json.loads(sentence.out)["features"]) == 4


def test_bursts_beside_the_area_are_left_out(search):
    # The catalogue of the test gives every burst of the period, whatever the polygon.
    _, sentence = search("--bbox", "120,-36,121,-34")
    assert "no matching burst" in sentence.out


def test_of_two_processings_the_newer_counts(search, archive):
    first = archive.cmr.granules[0]
    again = json.loads(json.dumps(first).replace(first["umm"]["InputGranules"][0][-8:], "FFFF-SLC"))
    again["meta"] |= {"concept-id": "G-again", "revision-date": "2024-01-01T00:00:00Z"}
    archive.cmr.granules.append(again)
    _, sentence = search("--bbox", BOX, "--json")
    features = json.loads(sentence.out)["features"]
    assert len(features) == 8
    assert sum(f["properties"]["scene"].endswith("FFFF") for f in features) == 1


def test_map_has_area_coast_and_bursts(search, tmp_path):
    search("--bbox", BOX, "--map", tmp_path / "map.html")
    page = (tmp_path / "map.html").read_text()
    assert page.count('class="foot burst"') == 4
    assert page.count('class="foot aoi"') == 1
    assert 'class="coast"' in page
    assert "src=" not in page
    assert "://" not in page


def test_coast_of_the_map_is_where_it_is_in_truth():
    # Montague Island's light stands at 36.25 S, 150.23 E; the coast is within 15 km of it, and none in the desert.
    near = coast_in(150.0, -36.4, 150.4, -36.1)
    assert near
    assert coast_in(135.0, -26.0, 136.0, -25.0) == []
    beyond = coast_in(179.0, -17.5, 181.0, -16.0)
    assert any(x > 180 for line in beyond for x, _ in line)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ((), "--bbox"),
        (("--bbox", BOX, "--area", "x.geojson"), "--bbox"),
        (("--bbox", "150,-36,152"), "west,south,east,north"),
        (("--bbox", "150,-34,152,-36"), "south before north"),
        (("--bbox", "150,a,152,-36"), "west,south,east,north"),
        (("--area", "there/is/none.geojson"), "none.geojson"),
        (("--bbox", BOX, "--orbit-direction", "up"), "ascending"),
        (("--bbox", BOX, "--polarization", "XX"), "VV"),
        (("--bbox", BOX, "--burst-id", "iw9"), "t070_149815_iw3"),
        (("--bbox", BOX, "--out", "x.shp"), ".geojson"),
    ],
)
def test_bad_input_is_one_sentence(search, words, word):
    code, sentence = search(*words)
    assert code == 65
    assert len(sentence.err.strip().splitlines()) == 1
    assert word in sentence.err


def test_a_period_that_ends_before_it_starts_is_refused(search):
    code, sentence = search("--bbox", BOX, start="2023-02-01", end="2023-01-01")
    assert code == 65
    assert "swap" in sentence.err


def test_area_is_a_feature_a_collection_a_geometry_or_a_box(tmp_path):
    ring = [[150, -36], [152, -36], [152, -34], [150, -34], [150, -36]]
    polygon = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {"any": "thing"}, "geometry": polygon}
    (tmp_path / "a.geojson").write_text("\ufeff" + json.dumps(feature))
    whole = area_of_interest(polygon)
    for given in (feature, {"type": "FeatureCollection", "features": [feature]}, BOX, tmp_path / "a.geojson"):
        assert area_of_interest(given).geometry.equals(whole.geometry)


def test_a_box_across_the_antimeridian_is_narrow():
    assert area_of_interest("179,-18,-179,-17").geometry.area == pytest.approx(2.0)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"type": "Point", "coordinates": [1, 2]}', "[" * 100_000])
def test_a_file_that_is_no_area_is_refused(tmp_path, text):
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(RefusedError):
        area_of_interest(path)
