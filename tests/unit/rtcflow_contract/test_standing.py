"""An existing product is kept, replaced, or refused by name."""

from datetime import UTC, datetime, timedelta

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import EngineInfo
from rtcflow_contract.request import parse_request
from rtcflow_contract.standing import Verdict, differences, judge, refuse_earlier_processing
from tests.support.inventory_case import Spec, job_of, manifest_of

OWN = "s3://bucket/own.tif"
IN_THE_SOUTH = (160.0, -78.0, 162.0, -77.0)
LATER = datetime(2026, 1, 1, tzinfo=UTC)
STATIC = Product.RTC_S1_STATIC


def stands(product=Product.RTC_S1, **changes):
    """The manifest of a product at 20 m in the burst's own UTM zone, 32755, by engine native."""
    spec = Spec(product=product)
    manifest = manifest_of(spec, job_of(spec))
    parameters = {**manifest.parameters, **changes.pop("parameters", {})}
    return manifest.model_copy(update={"parameters": parameters, **changes})


def asks(product=Product.RTC_S1, **payload):
    return job_of(Spec(product=product, made=LATER, payload=payload))


def verdict(manifest, job, whole=True):
    return judge(manifest, job, "s3://products/here", lambda _: whole)


def grid(**changes):
    return stands().grid.model_copy(update=changes)


def test_an_empty_place_is_made():
    assert verdict(None, asks()) is Verdict.MAKE


def test_the_same_product_stays():
    assert verdict(stands(), asks()) is Verdict.KEEP


def test_the_same_product_without_all_its_files_is_made():
    assert verdict(stands(), asks(), whole=False) is Verdict.MAKE


@pytest.mark.parametrize(
    ("manifest", "payload", "sentence"),
    [
        (stands(), {"resolution": 40}, "resolution 20 m, not 40 m"),
        (stands(), {"output_crs": 3031}, "CRS EPSG:32755, not EPSG:3031"),
        (
            stands(grid=grid(epsg=3031), parameters={"output_crs": 3031}),
            {},
            "CRS EPSG:3031, not the burst's default",
        ),
        (stands(), {"engine": "isce3"}, "engine native, not isce3"),
        (stands(parameters={"dem": "rema_32"}), {}, "DEM rema_32, not cop_glo30"),
        (stands(), {"dem": "rema_32"}, "DEM cop_glo30, not rema_32"),
        (stands(parameters={"dem": "best", "dem_used": "rema_32"}), {}, "DEM rema_32, not cop_glo30"),
        (
            stands(parameters={"dem": "rema_32"}, bbox=IN_THE_SOUTH),
            {"dem": "rema_10"},
            "DEM rema_32, not rema_10",
        ),
        (stands(bbox=IN_THE_SOUTH), {"dem": "best"}, "DEM cop_glo30, not best"),
        (stands(), {"dem": OWN, "dem_datum": "egm2008"}, f"DEM cop_glo30, not {OWN}"),
        (
            stands(parameters={"dem": OWN, "dem_datum": "ellipsoid"}),
            {"dem": OWN, "dem_datum": "egm2008"},
            "datum of the DEM ellipsoid, not egm2008",
        ),
        (stands(), {"precision": "rounded"}, "precision full, not rounded"),
        (stands(parameters={"precision": "rounded"}), {}, "precision rounded, not full"),
        (stands(), {"polarizations": "VV"}, "polarizations VH+VV, not VV"),
        (stands(parameters={"backscatter": "sigma0"}), {}, "backscatter sigma0, not gamma0"),
        (stands(parameters={"negative_power": "keep"}), {}, "negative power keep, not clip"),
    ],
)
@pytest.mark.parametrize("on_existing", ["skip", "beside"])
def test_another_product_is_a_failure_by_name(manifest, payload, sentence, on_existing):
    with pytest.raises(RefusedError) as refused:
        verdict(manifest, asks(**payload, on_existing=on_existing))
    assert sentence in refused.value.message
    assert refused.value.reason == "other-settings"


def test_all_differences_are_named_at_once():
    assert differences(stands(), asks(resolution=40, engine="isce3")) == [
        "resolution 20 m, not 40 m",
        "engine native, not isce3",
    ]


def test_a_request_is_compared_with_the_product_like_its_jobs():
    request = parse_request({"scene": stands().scene, "resolution": 40}, "products")
    assert differences(stands(), request) == ["resolution 20 m, not 40 m"]


@pytest.mark.parametrize(
    ("manifest", "payload"),
    [
        (stands(engine=EngineInfo(name="isce3", versions={})), {}),
        (stands(), {"output_crs": 32755}),
        (stands(parameters={"output_crs": 32755}), {}),
        (stands(parameters={"dem": None}), {}),
        (stands(product_version="0.0"), {}),
        (stands(parameters={"dem": "best", "dem_used": "cop_glo30"}), {}),
        (stands(), {"dem": "best"}),
        (stands(parameters={"dem": "rema_32"}, bbox=IN_THE_SOUTH), {"dem": "best"}),
        (stands(parameters={"dem": "best", "dem_used": "cop_glo30"}, bbox=IN_THE_SOUTH), {"dem": "best"}),
        (stands(parameters={"dem": "best", "dem_used": "rema_32"}, bbox=IN_THE_SOUTH), {"dem": "REMA_32"}),
    ],
    ids=[
        "auto takes any engine",
        "default by its code",
        "code is the default",
        "no DEM told",
        "other version",
        "best came to the default",
        "best would be the default",
        "best would be REMA",
        "best made it",
        "best came to REMA",
    ],
)
def test_a_product_that_would_not_differ_is_kept(manifest, payload):
    assert verdict(manifest, asks(**payload)) is Verdict.KEEP


def test_a_fixed_grid_is_compared_whole():
    job = asks().model_copy(update={"grid": Grid(epsg=32755, left=0, top=0, spacing=20, rows=10, cols=20)})
    with pytest.raises(RefusedError, match="another grid"):
        verdict(stands(), job)


def test_other_polarizations_make_another_product_only_of_backscatter():
    assert differences(stands(), asks().model_copy(update={"polarizations": ("VV",)}))
    one = asks(product=STATIC).model_copy(update={"polarizations": ("HH",)})
    assert verdict(stands(product=STATIC), one) is Verdict.KEEP


def test_another_product_is_replaced_where_that_is_asked_for():
    assert verdict(stands(), asks(resolution=40, on_existing="replace")) is Verdict.MAKE


def test_an_execution_keeps_what_it_made_itself():
    job = job_of(Spec(payload={"on_existing": "replace"}))
    assert verdict(manifest_of(Spec(), job), job) is Verdict.KEEP


@pytest.mark.parametrize("on_existing", ["skip", "replace", "beside"])
@pytest.mark.parametrize(
    ("acquired", "sentence"),
    [
        ({"platform": "S1C"}, "of S1C at"),
        ({"start": stands().acquisition.start + timedelta(hours=9)}, "at 21:47:52"),
    ],
)
def test_another_pass_of_the_day_is_never_replaced(acquired, sentence, on_existing):
    manifest = stands(acquisition=stands().acquisition.model_copy(update=acquired))
    with pytest.raises(RefusedError, match=sentence):
        verdict(manifest, asks(on_existing=on_existing))


def test_static_layers_come_from_any_pass():
    manifest = stands(product=STATIC)
    other = manifest.model_copy(
        update={"acquisition": manifest.acquisition.model_copy(update={"platform": "S1C"})}
    )
    assert verdict(other, asks(product=STATIC)) is Verdict.KEEP


@pytest.mark.parametrize("on_existing", ["skip", "replace"])
def test_another_kind_of_product_is_never_replaced(on_existing):
    with pytest.raises(RefusedError, match="give RTC_S1 t070_149815_iw3 another folder"):
        verdict(stands(product=STATIC), asks(on_existing=on_existing))


def processed(hours):
    return datetime(2022, 1, 1, 15, tzinfo=UTC) + timedelta(hours=hours)


@pytest.mark.parametrize(
    ("standing", "new", "scene", "refused"),
    [
        (5, 2, "OTHER", True),
        (2, 5, "OTHER", False),
        (5, 2, None, False),
        (None, 2, "OTHER", False),
        (5, None, "OTHER", False),
    ],
    ids=["earlier", "later", "the same scene", "unknown of what stands", "unknown of the new one"],
)
def test_an_earlier_processing_never_takes_the_place_of_a_later_one(standing, new, scene, refused):
    acquisition = stands().acquisition.model_copy(
        update={"processed": None if standing is None else processed(standing)}
    )
    manifest = stands(acquisition=acquisition)
    new_scene = scene or manifest.scene

    def check():
        refuse_earlier_processing(manifest, new_scene, None if new is None else processed(new), "there")

    if not refused:
        check()
        return
    with pytest.raises(RefusedError, match="processed 2022-01-01 20:00, later than OTHER"):
        check()
