import json

import pytest
from catalogue_case import NOW, SQUARE, feature, scene_name

from rtcflow_archives.area import counter_clockwise, parse_areas
from rtcflow_archives.granule import SceneGranule
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id


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


def test_lists_may_be_text_as_gis_programs_keep_them():
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
    ("broken", "told"),
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
def test_a_wrong_area_is_refused_with_file_and_reason(broken, told):
    with pytest.raises(RefusedError, match="north_coast") as refusal:
        parse(broken)
    assert told in refusal.value.message


def test_rings_are_closed_and_counter_clockwise():
    ring = tuple(tuple(point) for point in SQUARE)
    assert counter_clockwise(ring) == ring
    assert counter_clockwise(ring[::-1]) == ring
    assert counter_clockwise(ring[:-1]) == ring


def test_a_ring_over_the_antimeridian_keeps_its_order():
    ring = ((179.0, -18.0), (-179.0, -18.0), (-179.0, -17.0), (179.0, -17.0), (179.0, -18.0))
    assert counter_clockwise(ring) == ring
