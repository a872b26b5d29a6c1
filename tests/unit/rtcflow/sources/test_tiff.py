"""The burst's lines in a measurement TIFF: found in any layout, refused if they are incomplete."""

import io

import numpy as np
import pytest
import rasterio

from rtcflow.sources.scene.measurement_tiff import check_length, line_range, read_layout, write_lines
from rtcflow_contract.errors import RefusedError
from tests.support.burst_case import LINES, pixels, tiff


def read_lines(data: bytes, first: int, count: int) -> np.ndarray:
    layout = read_layout(io.BytesIO(data), "x.tiff")
    start, length = line_range(layout, first, count)
    return np.frombuffer(data[start : start + length], "<i2").reshape(count, layout.samples, 2)


@pytest.mark.parametrize("strips_of", [1, 4, 12])
def test_lines_of_a_burst_are_one_range_of_bytes(strips_of):
    samples = pixels("VV")
    assert np.array_equal(read_lines(tiff(samples, strips_of), LINES, LINES), samples[LINES:])


def test_lines_written_by_gdal_are_found(tmp_path):
    values = (np.arange(60).reshape(10, 6) + 1j).astype(np.complex64)
    path = tmp_path / "x.tiff"
    with rasterio.open(path, "w", driver="GTiff", width=6, height=10, count=1, dtype="complex_int16") as out:
        out.write(values, 1)
    assert np.array_equal(read_lines(path.read_bytes(), 3, 4)[..., 0], values[3:7].real)


def test_an_extract_opens_in_gdal(tmp_path):
    samples = pixels("VV")
    layout = read_layout(io.BytesIO(tiff(samples)), "x.tiff")
    write_lines(tmp_path / "extract.tiff", samples[LINES:].tobytes(), layout)
    with rasterio.open(tmp_path / "extract.tiff") as source:
        values = source.read(1)
    assert source.dtypes == ("complex_int16",)
    assert np.array_equal(values.real, samples[LINES:, :, 0])
    assert np.array_equal(values.imag, samples[LINES:, :, 1])


@pytest.mark.parametrize("cut", [0, 1, 6, 20, 150])
def test_a_file_that_ends_in_its_directory_is_refused_by_name(cut):
    with pytest.raises(RefusedError, match=r"measurement x\.tiff is corrupt") as caught:
        read_layout(io.BytesIO(tiff(pixels("VV"))[:cut]), "x.tiff")
    assert caught.value.reason == "corrupt-tiff"


def test_bytes_that_are_not_a_tiff_are_refused():
    with pytest.raises(RefusedError, match="corrupt"):
        read_layout(io.BytesIO(b"<html>503 Service Unavailable</html>" * 10), "x.tiff")


def test_a_tiff_of_other_samples_is_refused(tmp_path):
    path = tmp_path / "x.tiff"
    with rasterio.open(path, "w", driver="GTiff", width=6, height=10, count=1, dtype="uint16") as out:
        out.write(np.ones((10, 6), np.uint16), 1)
    with pytest.raises(RefusedError, match="complex int16"), path.open("rb") as file:
        read_layout(file, "x.tiff")


def test_a_file_that_ends_before_the_burst_is_refused():
    data = tiff(pixels("VV"))
    layout = read_layout(io.BytesIO(data), "x.tiff")
    check_length(layout, LINES, LINES, len(data))
    check_length(layout, 0, LINES, len(data) - LINES * layout.bytes_per_line)
    with pytest.raises(RefusedError, match="ends at byte"):
        check_length(layout, LINES, LINES, len(data) - 1)


def test_a_burst_beyond_the_last_line_is_refused():
    layout = read_layout(io.BytesIO(tiff(pixels("VV"))), "x.tiff")
    with pytest.raises(RefusedError, match="12 lines"):
        line_range(layout, 7, LINES)
