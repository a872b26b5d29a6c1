"""A burst stage in small: a SAFE of 2 bursts, its orbit and DEM, a job, and an engine that draws its layers."""

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from rtcflow.engines.base import EngineResult
from rtcflow.product.browse import write_browse
from rtcflow.product.cog import write_cog
from rtcflow_contract.grid import Grid
from rtcflow_contract.job import BurstJob, Sources
from rtcflow_contract.keys import Location
from rtcflow_contract.layers import Product, layers_of
from rtcflow_contract.product_id import (
    browse_file_name,
    layer_file_name,
    metadata_file_name,
    product_id,
)
from rtcflow_contract.request import OnExisting
from rtcflow_local.sample.geometry import ground_point
from rtcflow_local.sample.orbit_model import Orbit

SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
BURSTS = ("t070_148570_iw1", "t070_148571_iw1")
START = datetime(2022, 1, 1, 12, 47, 45, tzinfo=UTC)
LINES, SAMPLES = 6, 8
BUCKET = "products"
# Where the satellite looks on track 70, 1,000 s behind its ascending node.
NODE, PASS = START - timedelta(seconds=1000), Orbit.of_track(70)
HEIGHT = 100.0
GRID = Grid(epsg=32645, left=354_800, top=6_755_600, spacing=20, rows=1000, cols=280)
ORBIT = "S1A_OPER_AUX_POEORB_OPOD_20220121T121549_V20211231T225942_20220102T005942.EOF"

_ANNOTATION = """<product><adsHeader><missionId>S1A</missionId><swath>{swath}</swath><polarisation>{pol}</polarisation>
<absoluteOrbitNumber>41267</absoluteOrbitNumber></adsHeader>
<generalAnnotation><productInformation><pass>Descending</pass><rangeSamplingRate>6.434523812571428e7</rangeSamplingRate>
<radarFrequency>5.405e9</radarFrequency></productInformation><downlinkInformationList><downlinkInformation>
<prf>1717.1</prf><downlinkValues><rank>9</rank></downlinkValues></downlinkInformation></downlinkInformationList>
</generalAnnotation>
<imageAnnotation><imageInformation><slantRangeTime>5.3e-3</slantRangeTime>
<incidenceAngleMidSwath>33</incidenceAngleMidSwath>
<azimuthTimeInterval>2.055e-3</azimuthTimeInterval><rangePixelSpacing>2.329562</rangePixelSpacing>
<azimuthPixelSpacing>13.9</azimuthPixelSpacing></imageInformation></imageAnnotation>
<swathTiming><linesPerBurst>{lines}</linesPerBurst><samplesPerBurst>{samples}</samplesPerBurst>
<burstList>{bursts}</burstList></swathTiming>
<geolocationGrid><geolocationGridPointList>{points}</geolocationGridPointList></geolocationGrid></product>"""
_BURST = """<burst><azimuthTime>{time}</azimuthTime><azimuthAnxTime>{anx}</azimuthAnxTime>
<sensingTime>{sensed}</sensingTime><burstId>{number}</burstId>
<firstValidSample>{first}</firstValidSample><lastValidSample>{last}</lastValidSample></burst>"""
_MANIFEST = """<x:XFDU xmlns:x="urn:ccsds:schema:xfdu:1" xmlns:safe="http://www.esa.int/safe/sentinel-1.0">
<safe:processing name="SLC Processing" stop="2022-01-01T15:00:00.000000">
<safe:facility country="Germany" organisation="ESA" site="DLR-Oberpfaffenhofen">
<safe:software name="Sentinel-1 IPF" version="003.40"/></safe:facility></safe:processing>
<safe:relativeOrbitNumber type="start">70</safe:relativeOrbitNumber></x:XFDU>"""


def pixels(polarization: str, bursts: int = 2) -> np.ndarray:
    """Complex int16 samples as (lines, samples, 2), unlike for each polarization."""
    count = bursts * LINES * SAMPLES * 2
    return (np.arange(count, dtype="<i2") + (1000 if polarization == "VH" else 0)).reshape(-1, SAMPLES, 2)


def tiff(samples: np.ndarray, strips_of: int = 1) -> bytes:
    """A measurement TIFF with its directory in front, as ESA's are."""
    lines, width = samples.shape[:2]
    data = samples.astype("<i2").tobytes()
    count = -(-lines // strips_of)
    per_strip = strips_of * width * 4
    start = 8 + 2 + 10 * 12 + 4 + 8 * count
    offsets = [start + i * per_strip for i in range(count)]
    sizes = [min(per_strip, len(data) - i * per_strip) for i in range(count)]
    at = 8 + 2 + 10 * 12 + 4
    entries = [(256, 4, 1, width), (257, 4, 1, lines), (258, 3, 1, 32), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, count, offsets[0] if count == 1 else at), (277, 3, 1, 1), (278, 4, 1, strips_of)]
    entries += [(279, 4, count, sizes[0] if count == 1 else at + 4 * count), (339, 3, 1, 5)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    return head + struct.pack(f"<{count}I", *offsets) + struct.pack(f"<{count}I", *sizes) + data


def _annotation(swath: str, polarization: str, count: int) -> bytes:
    bursts = "".join(
        _BURST.format(
            time=(START + timedelta(seconds=2.75 * i)).isoformat()[:-6],
            anx=1000 + 2.75 * i,
            sensed=(START + timedelta(seconds=2.75 * i + 1.1)).isoformat()[:-6],
            number=148570 + i,
            first=" ".join(["1"] * LINES),
            last=" ".join([str(SAMPLES - 2)] * LINES),
        )
        for i in range(count)
    )
    lines = (*range(0, count * LINES, LINES), count * LINES - 1)
    points = "".join(_point(line, pixel) for line in lines for pixel in range(SAMPLES))
    return _ANNOTATION.format(
        swath=swath.upper(), pol=polarization, lines=LINES, samples=SAMPLES, bursts=bursts, points=points
    ).encode()


def _point(line: int, pixel: int) -> str:
    """A point of the geolocation grid: at the first line of a burst, or the last of all."""
    seconds = 2.75 * (line // LINES) + 2.055e-3 * (line % LINES)
    delay = 5.3e-3 + pixel / 6.434523812571428e7
    ground = ground_point(PASS, 1000 + seconds, delay * 299792458.0 / 2, HEIGHT)
    values = {
        "azimuthTime": (START + timedelta(seconds=seconds)).isoformat()[:-6],
        "slantRangeTime": delay,
        "line": line,
        "pixel": pixel,
        "latitude": ground.latitude,
        "longitude": ground.longitude,
        "height": HEIGHT,
        "incidenceAngle": 30.0 + 6.0 * pixel / (SAMPLES - 1),
    }
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<geolocationGridPoint>{fields}</geolocationGridPoint>"


def safe_files(polarizations: tuple[str, ...] = ("VV", "VH"), bursts: int = 2) -> dict[str, bytes]:
    """Content by path below the SAFE folder; IW2 has annotation only."""
    files = {"manifest.safe": _MANIFEST.encode()}
    for pol in polarizations:
        for swath in ("iw1", "iw2"):
            files[f"annotation/{stem(swath, pol)}.xml"] = _annotation(swath, pol, bursts)
        name = stem("iw1", pol)
        files[f"annotation/calibration/calibration-{name}.xml"] = b"<calibration/>"
        files[f"annotation/calibration/noise-{name}.xml"] = b"<noise/>"
        files[f"measurement/{name}.tiff"] = tiff(pixels(pol, bursts))
    return files


def stem(swath: str, polarization: str) -> str:
    """Name of an annotation or measurement without its ending."""
    return f"s1a-{swath}-slc-{polarization.lower()}-20220101t124745-20220101t124810-041267-04e7a2-004"


def orbit_text() -> str:
    vectors = "".join(_vector(seconds) for seconds in range(-60, 210, 10))
    return (
        f'<Earth_Explorer_File><Data_Block><List_of_OSVs count="13">{vectors}</List_of_OSVs></Data_Block>'
        "</Earth_Explorer_File>"
    )


def _vector(seconds: int) -> str:
    (position,), (velocity,), _ = PASS.states(np.array([1000.0 + seconds]))
    fields = zip(("X", "Y", "Z", "VX", "VY", "VZ"), (*position, *velocity), strict=True)
    return (
        f"<OSV><UTC>UTC={(START + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S.000000')}</UTC>"
        + "".join(f"<{name}>{value:.6f}</{name}>" for name, value in fields)
        + "</OSV>"
    )


def write_case(folder: Path, bursts: int = 2) -> None:
    """`<scene>.SAFE/`, the orbit file and `dem.tif` around the grid."""
    for name, content in safe_files(bursts=bursts).items():
        path = folder / f"{SCENE}.SAFE" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / ORBIT).write_text(orbit_text())
    # The bursts after the second lie to the north-west, one a sixth of a degree after the other.
    more = bursts - 2
    width, height = 200 + 150 * more, 400 + 200 * more
    profile = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:4326",
    }
    transform = rasterio.Affine(0.001, 0, 84.25 - 0.1 * more, 0, -0.001, 61.0 + 0.2 * more)
    with rasterio.open(folder / "dem.tif", "w", transform=transform, **profile) as out:
        out.write(np.full((height, width), 100, np.float32), 1)


def make_job(folder: Path, **changes: Any) -> BurstJob:
    """A job on the files of `write_case`, for a bucket."""
    started = changes.get("execution_started", datetime(2025, 4, 8, 2, 54, 1, tzinfo=UTC))
    product = changes.get("product", Product.RTC_S1)
    destination = Location(BUCKET, f"experimental/s1_rtc_c1/{BURSTS[1]}/2022/1/1")
    values: dict[str, Any] = {
        "execution": "execution-1",
        "execution_started": started,
        "scene": SCENE,
        "burst_id": BURSTS[1],
        "product": product,
        "product_id": product_id(product, BURSTS[1], START, started, "S1A", 20, "0.1"),
        "product_version": "0.1",
        "polarizations": ("VV", "VH"),
        "sensing_start": START + timedelta(seconds=2.75),
        "resolution": 20,
        "sources": Sources(
            scene=str(folder / f"{SCENE}.SAFE"), orbits=str(folder / ORBIT), dem=str(folder / "dem.tif")
        ),
        "collection": "s1_rtc_c1",
        "destination": destination,
        "collection_folder": Location(BUCKET, "experimental/s1_rtc_c1"),
        "work": Location("work", f"executions/execution-1/{product.value}/{BURSTS[1]}"),
        "on_existing": OnExisting.SKIP,
        "grid": GRID,
    }
    return BurstJob.model_validate(values | changes)


def drawn_layers(
    product: Product = Product.RTC_S1, grid: Grid = GRID, seed: int = 0
) -> dict[str, np.ndarray]:
    """Layers with valid data in the middle."""
    rng = np.random.default_rng(seed)
    inside = np.zeros(grid.shape, bool)
    inside[10:-10, 15:-15] = True
    layers = {
        layer.name: np.where(inside, rng.gamma(20, 0.01, grid.shape), np.nan).astype(np.float32)
        for layer in layers_of(product, ("VV", "VH"))
        if layer.name != "mask"
    }
    mask = np.where(inside, np.arange(grid.cols) // 10 % 4, 255).astype(np.uint8)
    return {**layers, "mask": mask}


@dataclass
class DrawingEngine:
    """Writes drawn layers; `before` is called with the stage's number, and may raise."""

    name: str = "native"
    seed: int = 0
    calls: list[Any] = field(default_factory=list)
    before_last: Any = None

    def available(self) -> bool:
        return True

    def compute(self, job, inputs, grid, folder, meter, progress):
        self.calls.append(inputs)
        return lambda: self._write(job, grid, folder, progress)

    def _write(self, job, grid, folder, progress) -> EngineResult:
        arrays = drawn_layers(job.product, grid, self.seed)
        for layer in layers_of(job.product, job.polarizations):
            progress("write layers", 0.0)
            write_cog(
                folder / layer_file_name(job.product_id, layer.name), arrays[layer.name], layer, grid, {}
            )
        if self.before_last is not None:
            self.before_last()
        write_browse(folder / browse_file_name(job.product_id), arrays)
        (folder / metadata_file_name(job.product_id)).write_bytes(b"\x89HDF" + bytes([self.seed]))
        return EngineResult({"drawing": "1"}, {"seed": self.seed})
