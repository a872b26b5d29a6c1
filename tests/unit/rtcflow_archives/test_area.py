import json

import pytest

from rtcflow_archives.area import parse_areas
from rtcflow_archives.granule import SceneGranule
from rtcflow_archives.rings import check_ring, may_meet
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id
from tests.support.catalogue_case import NOW, SQUARE, feature, scene_name


def parse(*features, file="north_coast.geojson"):
    document = (
        features[0] if len(features) == 1 else {"type": "FeatureCollection", "features": list(features)}
    )
    return parse_areas(json.dumps(document), file)


def seen(number=0, direction="descending", track=1, **fields):
    return SceneGranule(parse_scene_id(scene_name(number, **fields)), NOW, NOW, direction, track, None)


def test_properties_are_filters_and_fields_of_the_payload():
    (area,) = parse(
        feature(polarizations=["VV"], orbit_directions=["ascending"], output_crs=3031, collection="c")
    )
    assert area.polarizations == ("VV",)
    assert area.payload_of(scene_name(1)) == {"scene": scene_name(1), "output_crs": 3031, "collection": "c"}


def test_lists_may_be_text_as_gis_programs_store_them():
    (area,) = parse(feature(polarizations="VV, VH", orbit_directions="ascending", tracks="7 120"))
    assert (area.polarizations, area.orbit_directions) == (("VV", "VH"), ("ascending",))
    assert area.tracks == (7, 120)


def test_scene_stands_in_a_source():
    (area,) = parse(feature(scene_source="s3://scenes/in/{scene}.SAFE"))
    assert area.payload_of(scene_name(1))["scene_source"] == f"s3://scenes/in/{scene_name(1)}.SAFE"


def test_an_area_without_a_name_has_that_of_its_file():
    assert [area.name for area in parse(feature(name=None))] == ["north-coast"]
    assert [a.name for a in parse(feature(name=None), feature(name=None))] == [
        "north-coast-1",
        "north-coast-2",
    ]


@pytest.mark.parametrize(
    ("properties", "wanted", "unwanted"),
    [
        ({"polarizations": ["VV", "VH"]}, seen(), seen(polarization="SV")),
        ({"orbit_directions": ["ascending"]}, seen(direction="ascending"), seen()),
        ({"platforms": ["S1C"]}, seen(platform="S1C"), seen()),
        ({"tracks": [7]}, seen(track=7), seen()),
        ({"start": "2026-03-02"}, seen(1440), seen(1439)),
        ({"end": "2026-03-01"}, seen(1439), seen(1440)),
    ],
)
def test_a_scene_must_match_the_filters(properties, wanted, unwanted):
    (area,) = parse(feature(**properties))
    assert area.wants(wanted)
    assert not area.wants(unwanted)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"type": "Polygon"}, "Feature"),
        (feature(colour="red"), "colour"),
        (feature(resolution=-3), "resolution"),
        (feature(polarizations=["XX"]), "polarizations"),
        (feature(scene="x"), "leave these out"),
        (feature(name="Not a name!"), "name"),
        ({**feature(), "geometry": {"type": "Point", "coordinates": [0, 0]}}, "Point"),
        (feature(square=[[500000, 6e6], [500001, 6e6], [500001, 7e6]]), "degrees"),
        (feature(square=[]), "coordinates"),
    ],
)
def test_a_wrong_area_is_refused_with_file_and_reason(broken, sentence):
    with pytest.raises(RefusedError, match="north_coast") as refusal:
        parse(broken)
    assert sentence in refusal.value.message


@pytest.mark.parametrize(
    ("square", "sentence"),
    [
        ([[-180, -89], [180, -89], [180, -60], [-180, -60]], "360 degrees wide"),
        ([[-100, -10], [100, -10], [100, 10], [-100, 10]], "less than half the globe wide"),
        ([[10, -10], [350, -10], [350, 10], [10, 10]], "less than half the globe wide"),
        ([[x, -70] for x in range(-180, 180, 30)], "goes around a pole"),
        ([[0, 0], [2, 2], [2, 0], [0, 2]], "crosses itself near longitude"),
        ([[0, 0], [4, 0], [4, 4], [2, -1], [0, 4]], "crosses itself"),
        ([[0, 0], [1, 1], [2, 2]], "has no area"),
        ([[0, 0], [0, 0], [1, 1], [0, 0]], "3 corners"),
        ([[0, 0], [1e400, 1], [1, 1]], "degrees"),
        ([[0, 0], [float("nan"), 1], [1, 1]], "degrees"),
    ],
)
def test_a_ring_that_the_catalogue_would_read_as_another_is_refused(square, sentence):
    with pytest.raises(RefusedError, match="north_coast") as refusal:
        parse(feature(square=square))
    assert sentence in refusal.value.message


@pytest.mark.parametrize(
    ("square", "west", "east"),
    [
        ([[200, 0], [210, 0], [210, 5], [200, 5]], -160, -150),
        ([[350, 0], [370, 0], [370, 5], [350, 5]], -10, 10),
        ([[170, 0], [190, 0], [190, 5], [170, 5]], 170, -170),
    ],
)
def test_longitudes_beyond_180_are_wrapped(square, west, east):
    (area,) = parse(feature(square=square))
    assert {x for x, _ in area.rings[0]} == {west, east}


@pytest.mark.parametrize(
    "text", ["\ufeff{}", "[" * 100_000, '{"type": "Feature", "geometry": [], "properties": {}}']
)
def test_a_file_that_is_not_an_area_is_refused_whatever_it_is(text):
    with pytest.raises(RefusedError, match="north_coast"):
        parse_areas(text, "north_coast.geojson")


def test_properties_that_are_not_an_object_are_refused():
    with pytest.raises(RefusedError, match="not a JSON object"):
        parse({**feature(), "properties": [1]})


def test_rings_near_each_other_may_share_a_scene_also_over_the_antimeridian():
    def ring(west, south=0):
        return check_ring([(west, south), (west + 4, south), (west + 4, south + 4), (west, south + 4)])

    assert may_meet(ring(0), ring(6), 2.5)
    assert not may_meet(ring(0), ring(8), 2.5)
    assert may_meet(ring(175), ring(-179), 2.5)
    assert may_meet(ring(10, -85), ring(30, -85), 2.5)
    assert not may_meet(ring(0, 0), ring(0, 20), 2.5)


def test_rings_are_closed_and_check_ring():
    ring = tuple(tuple(point) for point in SQUARE)
    assert check_ring(ring) == ring
    assert check_ring(ring[::-1]) == ring
    assert check_ring(ring[:-1]) == ring


def test_a_ring_over_the_antimeridian_keeps_its_order():
    ring = ((179.0, -18.0), (-179.0, -18.0), (-179.0, -17.0), (179.0, -17.0), (179.0, -18.0))
    assert check_ring(ring) == ring
