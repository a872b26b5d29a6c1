"""Whatever an input holds: a refusal in one sentence or a result, no other error and no hang.

`make test` runs 2,000 inputs, `make fuzz` 100,000, by RTCFLOW_FUZZ. Seeded, so that a failure repeats.
"""

import io
import json
import os
import re
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from rtcflow.product.quality import heading_deg
from rtcflow.sentinel1.burst_metadata import read_burst
from rtcflow.sentinel1.ground import check_identity
from rtcflow.sentinel1.orbit import fit_orbit, read_orbit, state_vectors_before
from rtcflow.sentinel1.radiometry import read_beta0, read_noise
from rtcflow.sources.dem.dem_values import LOWEST_M, void_impossible
from rtcflow.sources.scene.measurement_tiff import OtherLayoutError, check_length, line_range, read_layout
from rtcflow_contract.errors import RtcflowError
from rtcflow_contract.job import BurstJob
from rtcflow_contract.manifest import Manifest
from rtcflow_contract.request import parse_request
from rtcflow_contract.stored import read_stored
from rtcflow_safe.annotation import Annotation
from rtcflow_safe.safe_manifest import read_manifest

TARGETS = 8
EACH = int(os.environ.get("RTCFLOW_FUZZ", "2000")) // TARGETS
HEIGHTS = [np.nan, np.inf, -np.inf, -32768, -32767, -9999, 3.4e38, -3.4028235e38, 1e12, 0, 8848, -430, 1e-40]
# What replaces a number: nothing, another one, a huge one, not finite, not a number.
ODD = [
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0",
    "9" * 400,
    "1e-400",
    "0x10",
    "１２",
    "\u0000",
    "<a>",
    "&amp;",
    "é",
]


def fuzz(function):
    return seed(20260101)(
        settings(
            max_examples=EACH,
            deadline=None,
            database=None,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )(function)
    )


def only_refused(call):
    try:
        return call()
    except RtcflowError as error:
        told = error.message
    assert "\n" not in told.strip()
    return None


# Where in the text (0 to 1), what is done there, and with what.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["number", "cut", "drop", "double", "byte"]),
        st.sampled_from(ODD),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=4,
)


def changed(text, changes):
    for where, how, odd, length in changes:
        at = int(where * len(text))
        if how == "number":
            found = re.compile(r">[^<>]+<").search(text, at)
            text = text[: found.start() + 1] + odd + text[found.end() - 1 :] if found else text
        elif how == "cut":
            text = text[:at]
        elif how == "drop":
            text = text[:at] + text[at + length :]
        elif how == "double":
            text = text[: at + length] + text[at:]
        else:
            text = text[:at] + chr(length % 256) + text[at + 1 :]
    return text


@pytest.fixture(scope="module")
def files(tiny_sample):
    annotation = tiny_sample.safe / "annotation"
    one = {
        "annotation": next(annotation.glob("s1?-iw2-slc-vv-*.xml")),
        "calibration": next(annotation.glob("calibration/calibration-*iw2-slc-vv*.xml")),
        "noise": next(annotation.glob("calibration/noise-*iw2-slc-vv*.xml")),
        "manifest": tiny_sample.safe / "manifest.safe",
    }
    texts = {name: path.read_text() for name, path in one.items()}
    orbit = tiny_sample.orbit.read_text()
    burst = read_burst(one["annotation"], tiny_sample.bursts["iw2"][0])
    # Only the vectors of a quarter of an hour: reading all of them each time would take too long.
    stamp = f"{burst.sensing_start:%Y-%m-%dT%H}"
    first = orbit.index("<OSV>")
    near = [v for v in re.findall(r"<OSV>.*?</OSV>", orbit, re.DOTALL) if stamp in v]
    texts["orbit"] = orbit[:first] + "\n".join(near) + orbit[orbit.rindex("</OSV>") + 6 :]
    return one, texts, burst, tiny_sample


@fuzz
@given(changes=CHANGES)
def test_annotation(files, tmp_path_factory, changes):
    _, texts, burst, sample = files
    text = changed(texts["annotation"], changes)
    path = tmp_path_factory.getbasetemp() / "s1a-iw2-slc-vv-fuzz.xml"
    path.write_text(text, errors="replace")

    def read():
        annotation = Annotation(text.encode(errors="replace"))
        annotation.bursts(147)
        assert all(np.isfinite(point.height_m) for point in annotation.grid)
        found = read_burst(path, burst.burst_id)
        assert 0 < found.lines * found.samples <= 120_000_000
        assert 0 <= found.first_valid_sample < found.last_valid_sample < found.samples
        assert np.isfinite(found.starting_range_m + found.azimuth_interval_s + found.prf_hz)
        only_refused(lambda: heading_deg(path))
        check_identity(found, path, sample.orbit, 147)

    only_refused(read)


@fuzz
@given(changes=CHANGES, kind=st.sampled_from(["calibration", "noise"]))
def test_lookup_tables(files, tmp_path_factory, changes, kind):
    _, texts, burst, _ = files
    path = tmp_path_factory.getbasetemp() / f"{kind}-fuzz.xml"
    path.write_text(changed(texts[kind], changes), errors="replace")
    if kind == "noise":
        noise = only_refused(lambda: read_noise(path, burst))
        assert noise is None or (np.isfinite(noise.azimuth).all() and np.isfinite(noise.range).all())
    else:
        factor = only_refused(lambda: read_beta0(path, burst))
        assert factor is None or (np.isfinite(factor).all() and factor.min() > 0)


@fuzz
@given(changes=CHANGES)
def test_orbit_file(files, tmp_path_factory, changes):
    _, texts, burst, _ = files
    path = tmp_path_factory.getbasetemp() / "fuzz.EOF"
    path.write_text(changed(texts["orbit"], changes), errors="replace")

    def read():
        state_vectors_before(path, burst.sensing_start)
        orbit = fit_orbit(read_orbit(path, burst.sensing_start), 0.0, 3.0)
        assert np.isfinite(orbit.coefficients).all()

    only_refused(read)


@fuzz
@given(changes=CHANGES)
def test_manifest_safe(files, changes):
    _, texts, _, _ = files
    found = only_refused(lambda: read_manifest(changed(texts["manifest"], changes).encode(errors="replace")))
    assert found is None or 1 <= found.relative_orbit <= 175


def header():
    entries = [
        (256, 4, 1, 20),
        (257, 4, 1, 8),
        (258, 3, 1, 32),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 8, 134),
    ]
    entries += [(277, 3, 1, 1), (278, 4, 1, 1), (279, 4, 8, 166), (339, 3, 1, 5)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    head += b"".join(struct.pack("<HHII", *entry) for entry in entries) + struct.pack("<I", 0)
    head += struct.pack("<8I", *(198 + 80 * i for i in range(8))) + struct.pack("<8I", *[80] * 8)
    return head + bytes(8 * 80)


@fuzz
@given(
    pokes=st.lists(st.tuples(st.integers(0, 197), st.integers(0, 255)), max_size=8),
    keep=st.one_of(st.none(), st.integers(0, 838)),
    first=st.integers(0, 9),
    count=st.integers(1, 9),
)
def test_tiff_header(pokes, keep, first, count):
    data = bytearray(header())
    for at, value in pokes:
        data[at] = value
    data = bytes(data[:keep])

    def read():
        try:
            layout = read_layout(io.BytesIO(data), "fuzz.tiff")
        except OtherLayoutError:
            return
        check_length(layout, first, count, len(data))
        start, length = line_range(layout, first, count)
        assert start >= 0
        assert length == count * layout.bytes_per_line

    only_refused(read)


@fuzz
@given(
    values=st.lists(
        st.one_of(st.sampled_from(HEIGHTS), st.floats(width=32, allow_nan=True, allow_infinity=True)),
        min_size=1,
    )
)
def test_heights(values):
    with np.errstate(over="ignore"):
        heights = np.array(values, np.float32)
    void_impossible(heights)
    good = heights[~np.isnan(heights)]
    assert ((good >= LOWEST_M) & (good <= 9500)).all()


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(ODD)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)
FIELDS = [*BurstJob.model_fields, *Manifest.model_fields, "scene", "burst_id_list", "resolution"]


@fuzz
@given(
    fields=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8),
    model=st.sampled_from([BurstJob, Manifest]),
)
def test_stored_json(fields, model):
    only_refused(lambda: read_stored(model, json.dumps(fields).encode(errors="replace"), "fuzz.json"))
    only_refused(lambda: read_stored(model, json.dumps(fields).encode(errors="replace")[:-3], "fuzz.json"))


@fuzz
@given(payload=st.one_of(JSON, st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8)))
def test_payload(payload):
    only_refused(lambda: parse_request(payload, "bucket"))


def test_endlessly_nested_json_is_refused():
    for text in (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000):
        assert only_refused(lambda text=text: read_stored(BurstJob, text, "deep.json")) is None
