"""One burst product by the native engine: SAFE in, all files written."""

import json
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.scene import BenchBurst
from rtcflow.burst_run import make_burst
from rtcflow.destination import Destination
from rtcflow.resources import Meter
from rtcflow_contract.job import Sources, make_job
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product
from rtcflow_contract.request import parse_request


def main() -> None:
    """Arguments: the burst and the settings as JSON; prints seconds by stage as JSON."""
    burst, settings = BenchBurst.from_json(sys.argv[1]), json.loads(sys.argv[2])
    product = Product(settings["product"])
    request = parse_request(
        {
            "scene": Path(burst.safe).stem,
            "product": product.value,
            "resolution": settings["spacing"],
            "engine": "native",
        },
        default_bucket="local",
    )
    job = make_job(
        request,
        product=product,
        burst_id=burst.burst_id,
        sensing_start=datetime.now(UTC),
        execution="bench",
        execution_started=datetime.now(UTC),
        work_bucket="local",
        product_version="0.1",
        sources=Sources(scene=burst.safe, orbits=burst.orbit, dem=burst.dem, geoid=burst.geoid),
    )
    polarizations = job.polarizations[: settings["polarizations"]]
    job = job.model_copy(update={"polarizations": polarizations, "grid_store": None})
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-bench-"))
    try:
        meter = Meter()
        result = make_burst(
            job,
            folder / "work",
            Destination(job, Location.local(folder / "out")),
            lambda stage, done: None,
            meter,
        )
        parts = {f"compute: {part}": seconds for part, seconds in meter.details.items()}
        sys.stdout.write(json.dumps(result.manifest.resources.stages | parts) + "\n")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
