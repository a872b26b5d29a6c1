"""The most disk and memory that a task needs, by the lengths of its queues, for full-size bursts at 20 m."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rtcflow.resources import Meter
from rtcflow.sources.dem import copernicus
from rtcflow.sources.dem.copernicus import Places, copernicus_heights
from rtcflow.sources.dem.dem_area import DemArea
from rtcflow.sources.dem.dem_values import HeightRaster
from rtcflow.sources.shared import Shared
from rtcflow.task_queue import MOST_MEMORY, MOST_WORK, queue_lengths

# The largest burst of IW: lines and samples, 4 bytes a sample, two polarizations; and its DEM beside it.
_LINES_AND_DEM = 2 * 1515 * 25359 * 4 + 100_000_000
# Static layers have seven layers of 12 million pixels, hardly compressible.
_PRODUCT = 7 * 12_000_000 * 4
# By benchmarks.task a process with one burst alone holds 0.75 GB, nine in a row 1.3 GB with one written meanwhile,
# which are shared out here; an upload holds parts of files. What follows static layers computes when those are written,
# and so holds as much; both in turn hold 1.6 GB.
_ALONE, _WRITING, _MOSAIC, _UPLOADING = 0.75e9, 0.35e9, 0.2e9, 0.1e9


@pytest.mark.parametrize("source", ["asf", "cdse", "s3://scenes/S1A.SAFE", "/data/S1A.SAFE"])
def test_the_work_folder_holds_all_bursts_in_progress(source):
    lengths = queue_lengths(source)
    made = lengths.write + lengths.publish
    assert sum(lengths) * _LINES_AND_DEM + made * _PRODUCT <= MOST_WORK


@pytest.mark.parametrize("source", ["asf", "cdse", "s3://scenes/S1A.SAFE", "/data/S1A.SAFE"])
def test_memory_holds_one_burst_per_step_after_the_fetch(source):
    lengths = queue_lengths(source)
    assert (lengths.compute, lengths.write, lengths.publish) == (1, 1, 1)
    # However many are fetched, one at a time makes its mosaic.
    assert _ALONE + lengths.write * _WRITING + _MOSAIC + lengths.publish * _UPLOADING <= MOST_MEMORY


def test_one_burst_at_a_time_makes_its_mosaic(tmp_path, monkeypatch):
    counted, most, now = threading.Lock(), 0, 0

    def mosaic(tiles, area, shared):
        nonlocal most, now
        with counted:
            now += 1
            most = max(most, now)
        # Two have asked: if both were let in, both would be here.
        turn.asked.acquire(timeout=5)
        with counted:
            now -= 1
        return HeightRaster(np.zeros((2, 2), np.float32), np.array([1.0, 0.0]), np.array([0.0, 1.0]))

    class Waiting:
        """Lets the first continue once the other has asked for its turn."""

        def __init__(self):
            self.lock, self.asked = threading.Lock(), threading.Semaphore(0)

        def __enter__(self):
            self.asked.release()
            self.lock.acquire()

        def __exit__(self, *error):
            self.lock.release()

    shared = Shared(tmp_path)
    shared.alone = turn = Waiting()

    monkeypatch.setattr(copernicus, "fetch_tiles", lambda *arguments: {})
    monkeypatch.setattr(copernicus, "mosaic", mosaic)
    monkeypatch.setattr(copernicus, "above_ellipsoid", lambda *arguments: None)
    monkeypatch.setattr(copernicus, "sea_of", lambda tiles, heights: np.zeros((2, 2), bool))
    places = Places(str(tmp_path), "", tmp_path, Meter(), shared, "")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: copernicus_heights(places, DemArea(0, 0, 1, 1)), range(2)))
    assert most == 1
