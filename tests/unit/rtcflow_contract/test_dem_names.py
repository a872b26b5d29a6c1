"""DEMs by name and DEMs of the user: spellings, the choice of `best`, and the places of tiles."""

import pytest

from rtcflow_contract.dem import DEMS, candidates, dem_choice, folder_of, heights_of, is_own
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import parse_request

SCENE = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"


def asked(**payload):
    return parse_request({"scene": SCENE, **payload}, "products")


@pytest.mark.parametrize("name", [*DEMS, "best"])
def test_a_name_is_accepted_in_any_case(name):
    assert asked(dem=name).dem == asked(dem=name.upper()).dem == asked(dem=f" {name.title()} ").dem == name


def test_the_default_stays_glo30():
    assert asked().dem == "cop_glo30"


OWN = [
    "s3://bucket/folder/dem.tif",
    "https://host.example:8080/dem.TIFF",
    "s3://bucket/dem.vrt",
    "https://host.example/collections/c/items/one",
    "s3://bucket/item.json",
    "/data/my dem.tif",
    "dem.tif",
]


@pytest.mark.parametrize("where", OWN)
@pytest.mark.parametrize("datum", ["ellipsoid", "EGM2008", "s3://bucket/geoid.tif"])
def test_a_users_dem_needs_its_datum(where, datum):
    request = asked(dem=where, dem_datum=datum)
    assert request.dem == where
    assert request.dem_datum == (datum.lower() if "/" not in datum else datum)


@pytest.mark.parametrize("where", OWN)
def test_a_users_dem_without_a_datum_is_refused(where):
    with pytest.raises(RefusedError, match="needs dem_datum: ellipsoid, egm2008"):
        asked(dem=where)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"dem": "srtm"}, "'srtm' is not a DEM; use best, cop_glo30, rema_32"),
        ({"dem": "rema_5"}, "is not a DEM"),
        ({"dem": ""}, "is not a DEM"),
        ({"dem": "https://host.example/dem.tif?X-Amz-Signature=a", "dem_datum": "ellipsoid"}, "is not a DEM"),
        ({"dem": "https://me:secret@host.example/dem.tif", "dem_datum": "ellipsoid"}, "is not a DEM"),
        ({"dem": "ftp://host.example/dem.tif", "dem_datum": "ellipsoid"}, "is not a DEM"),
        ({"dem": "s3://bucket/folder"}, "is not a DEM"),
        ({"dem": "a.tif\nb.tif", "dem_datum": "ellipsoid"}, "is not a DEM"),
        ({"dem": "s3://bucket/dem.tif", "dem_datum": "sea level"}, "'sea level' is not a datum"),
        ({"dem": "rema_32", "dem_datum": "ellipsoid"}, "that of rema_32 is known, leave it out"),
    ],
)
def test_what_is_not_a_dem_is_refused_in_one_sentence(payload, said):
    with pytest.raises(RefusedError, match=said) as caught:
        asked(**payload)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("dem", "north", "tried"),
    [
        ("best", -50.1, ("rema_32", "cop_glo30")),
        ("best", -49.9, ("cop_glo30",)),
        ("best", 80.0, ("cop_glo30",)),
        ("rema_10", 80.0, ("rema_10",)),
        ("s3://bucket/dem.tif", -80.0, ("s3://bucket/dem.tif",)),
    ],
)
def test_best_is_rema_south_of_50_s_and_glo30_elsewhere(dem, north, tried):
    assert candidates(dem, north) == tried


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("rema_32", "rema/mosaics/v2.0/32m/06_37/06_37_32m_v2.0_dem.tif"),
        ("rema_10", "rema/mosaics/v2.0/10m/06_37/06_37_10m_v2.0_dem.tif"),
        ("rema_2", "rema/mosaics/v2.0/2m/06_37/06_37_2_1_2m_v2.0_dem.tif"),
        ("arcticdem_32", "arcticdem/mosaics/v4.1/32m/06_37/06_37_32m_v4.1_dem.tif"),
        ("arcticdem_2", "arcticdem/mosaics/v4.1/2m/06_37/06_37_2_1_2m_v4.1_dem.tif"),
    ],
)
def test_tiles_lie_as_in_the_archive(name, path):
    tiling = DEMS[name].tiling
    part = "_2_1" if name.endswith("_2") else ""
    assert part in tiling.parts
    assert tiling.path.format(row=6, col=37, part=part) == path


def test_every_dem_has_an_attribution_and_a_datum():
    for name, spec in DEMS.items():
        assert spec.attribution, name
        assert spec.datum in ("ellipsoid", "egm2008")
        assert spec.place.startswith("s3://")
        assert spec.fill is None or DEMS[spec.fill].tiling is None


@pytest.mark.parametrize(
    ("dem", "folder"),
    [
        ("cop_glo30", "cop_glo30"),
        ("rema_32", "REMA_32"),
        ("best", "best"),
        ("s3://bucket/a/my dem-v2.tif", "my_dem_v2"),
    ],
)
def test_folders_of_naming_ga_are_named_by_the_dem(dem, folder):
    assert folder_of(dem) == folder


def test_a_product_names_the_dem_that_best_chose():
    assert heights_of({"dem": "best", "dem_used": "rema_32"}) == "rema_32"
    assert heights_of({"dem": "rema_32"}) == "rema_32"
    assert heights_of({}) == heights_of({"dem": None}) == "cop_glo30"


def test_names_and_places_are_not_rasters():
    assert not any(
        map(is_own, [*DEMS, "best", "s3://copernicus-dem-30m", "https://host/tiles", "folder/dem"])
    )
    assert dem_choice("s3://bucket/dem.tif") == "s3://bucket/dem.tif"
