"""A small finished scene in S3: two products, their browse images, and a scene report."""

import io
import json
from datetime import timedelta
from typing import Any

from PIL import Image

from rtcflow_contract.grid import Grid
from rtcflow_contract.layers import Product
from rtcflow_contract.manifest import (
    Acquisition,
    EngineInfo,
    InputRef,
    Manifest,
    ProductFile,
    Resources,
    Statistics,
)
from rtcflow_contract.report import BurstOutcome, SceneReport
from tests.support.history_case import SCENE, START, States, put_records, scene_history

MADE, SECOND, FAILED = "t070_149815_iw1", "t070_149815_iw2", "t070_149816_iw1"


def footprint(west: float = 150.0, south: float = -35.0) -> dict[str, Any]:
    east, north = west + 0.8, south + 0.3
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[list(point) for point in ring]]}


def png(color: str = "olive") -> bytes:
    """An image with a transparent margin of 10 pixels."""
    image = Image.new("RGBA", (120, 60), (0, 0, 0, 0))
    image.paste(color, (10, 10, 110, 50))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def manifest(burst_id: str, product: Product = Product.RTC_S1, **changes: Any) -> Manifest:
    statistics = Statistics(minimum=0.001, maximum=3.0, mean=0.1, stddev=0.2, valid_percent=64.0)
    common = {"media_type": "image/tiff", "size": 2_000_000, "sha256": "0" * 64}
    counts = {"clear": 900, "shadow": 30, "layover": 60, "layover_and_shadow": 10, "fill": 500}
    files = (
        ProductFile(name="x_VV.tif", kind="layer", layer="VV", statistics=statistics, **common),
        ProductFile(
            name="x_mask.tif",
            kind="layer",
            layer="mask",
            statistics=statistics,
            class_counts=counts,
            **common,
        ),
        ProductFile(name="x.png", kind="browse", **common),
    )
    acquisition = Acquisition(
        platform="S1A", start=START, stop=START + timedelta(seconds=3), orbit_state="descending", absolute_orbit=32518,
        relative_orbit=70, polarizations=("VV",), swath="IW1", center_frequency_hz=5.405e9, range_spacing_m=2.3,
        azimuth_spacing_m=14.0, incidence_angle_deg=33.9, ipf_version="003.40", orbit_type="POEORB",
    )  # fmt: skip
    stages = {"fetch scene": 10.0, "compute": 40.0}
    values: dict[str, Any] = {
        "product": product, "product_id": "x", "product_version": "0.1", "collection": "s1_rtc_c1", "scene": SCENE,
        "burst_id": burst_id, "execution": "first", "created": START, "acquisition": acquisition,
        "engine": EngineInfo(name="native", versions={"numpy": "2.3"}),
        "grid": Grid(epsg=32756, left=226000, top=6160000, spacing=20, rows=1700, cols=3700),
        "footprint": footprint(), "bbox": (150.0, -35.0, 150.8, -34.7), "files": files,
        "inputs": (InputRef(kind="orbit", id="S1A_OPER_AUX_POEORB", href="s3://s1-orbits/o.EOF"),),
        "parameters": {"dem_upsampling": 2, "bands": ["a", "b"], "resolution": None},
        "resources": Resources(seconds=50, cpu_seconds=80, peak_memory_bytes=3_000_000_000, bytes_fetched=300_000_000,
                               bytes_written=40_000_000, stages=stages),
    }  # fmt: skip
    return Manifest(**{**values, **changes})


def put_product(s3: Any, burst_id: str, made: Manifest | None = None) -> BurstOutcome:
    folder = f"experimental/s1_rtc_c1/{burst_id}/2025/4/8"
    text = (made or manifest(burst_id)).model_dump_json()
    s3.put_object(Bucket="products", Key=f"{folder}/manifest.json", Body=text)
    s3.put_object(Bucket="products", Key=f"{folder}/x.png", Body=png())
    return BurstOutcome(
        burst_id=burst_id, product=Product.RTC_S1, outcome="made", manifest=f"s3://products/{folder}/manifest.json",
        item=f"s3://products/{folder}/metadata.json", seconds=50, bytes_fetched=300_000_000, bytes_written=40_000_000,
        cost_usd=0.0123,
    )  # fmt: skip


def put_scene(s3: Any, *, failed: bool = False) -> States:
    """Put a scene's products and report; gives the Step Functions client of its execution."""
    made = [MADE, SECOND]
    outcomes = [
        put_product(s3, MADE),
        put_product(s3, SECOND, manifest(SECOND, footprint=footprint(150.7, -34.8))),
    ]
    if failed:
        outcomes.append(
            BurstOutcome(
                burst_id=FAILED,
                product=Product.RTC_S1,
                outcome="failed",
                error_class="refused",
                reason="measurement",
                message="the measurement <iw1-vv> is corrupt; fetch the scene again",
            )
        )
    history = scene_history(made, [FAILED] if failed else [])
    for event in history.events:
        details = event.get("stateExitedEventDetails", {})
        if details.get("name") == "SummarizeScene":
            sentence = {"report": "s3://work/executions/first/report.json"}
            details["output"] = json.dumps({**sentence, "error_class": "refused" if failed else None})
    report = SceneReport(
        execution="first", scene=SCENE, product=Product.RTC_S1, collection="s1_rtc_c1", started=START,
        finished=START + timedelta(seconds=history.at), outcome="failed" if failed else "succeeded", message="",
        bursts=tuple(outcomes), cost_usd=0.0247,
    )  # fmt: skip
    put_records(s3, made, [FAILED] if failed else [])
    s3.put_object(Bucket="work", Key="executions/first/report.json", Body=report.model_dump_json())
    sentence = {
        "error": "BurstsFailed",
        "cause": "2 made, 1 failed (report s3://work/executions/first/report.json)",
    }
    return States(("FAILED" if failed else "SUCCEEDED", history), **sentence)
