"""Statistics of an image's pixels for annotation."""

from typing import NamedTuple

from rtcflow_local.sample.safe.xml import Content, Single


class PixelStatistics(NamedTuple):
    """Standard deviation of the real and the imaginary part of an image's pixels; the mean is zero."""

    real: float
    imaginary: float


def image_statistics(statistics: PixelStatistics) -> Content:
    """Element `imageStatistics`."""
    return {
        "outputDataMean": {"re": Single(0.0), "im": Single(0.0)},
        "outputDataStdDev": {"re": Single(statistics.real), "im": Single(statistics.imaginary)},
    }
