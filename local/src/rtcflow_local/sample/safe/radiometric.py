"""Calibration, noise and radio interference annotation files."""

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.pixels import NoiseTables, sampled_pixels
from rtcflow_local.sample.safe.geolocation_grid import TiePoint, angles_along_range
from rtcflow_local.sample.safe.names import Image, header
from rtcflow_local.sample.safe.xml_elements import Content, Listing, Single, Vector, document, element
from rtcflow_local.sample.sensor import BETA_NOUGHT, BURST_CYCLE, LINE_INTERVAL

_CALIBRATION_STEP = 1.0  # s


def calibration_xml(acquisition: SimulatedAcquisition, image: Image, grid: list[TiePoint]) -> bytes:
    """Calibration annotation: vectors every second, the beta0 constant, sigma0 and gamma0 by ellipsoid incidence."""
    swath = image.swath
    pixels = sampled_pixels(swath)
    incidence = np.radians(angles_along_range(grid, pixels)[0])
    constant = np.full(pixels.size, BETA_NOUGHT)
    tables: dict[str, Content] = {
        "pixel": Vector(pixels, "d"),
        "sigmaNought": Vector(BETA_NOUGHT / np.sqrt(np.sin(incidence)), ".6e"),
        "betaNought": Vector(constant, ".6e"),
        "gamma": Vector(BETA_NOUGHT / np.sqrt(np.tan(incidence)), ".6e"),
        "dn": Vector(constant, ".6e"),
    }
    first, last = swath.first_us - 1_000_000, swath.last_us + 1_000_000
    times = np.arange(first, last + _CALIBRATION_STEP * 1e6, _CALIBRATION_STEP * 1e6)
    vectors: list[Content] = [
        {"azimuthTime": acquisition.utc(time), "line": _line_at(swath, time), **tables} for time in times
    ]
    return document(
        element(
            "calibration",
            {
                "adsHeader": header(acquisition, image),
                "calibrationInformation": {"absoluteCalibrationConstant": Single(1.0)},
                "calibrationVectorList": Listing("calibrationVector", vectors),
            },
        )
    )


def noise_xml(acquisition: SimulatedAcquisition, image: Image, noise: NoiseTables) -> bytes:
    """Noise annotation: a range vector for every burst and beyond, one azimuth vector."""
    swath = image.swath
    starts = [burst.azimuth_us for burst in swath.bursts]
    ends = [starts[0] - round(BURST_CYCLE * 1e6), *starts, swath.last_us]
    lines = [
        -swath.lines,
        *(burst.index * swath.lines for burst in swath.bursts),
        swath.lines * len(starts) - 1,
    ]
    vectors: list[Content] = [
        {
            "azimuthTime": acquisition.utc(time),
            "line": line,
            "pixel": Vector(noise.pixels, "d"),
            "noiseRangeLut": Vector(noise.range_lut, ".6e"),
        }
        for time, line in zip(ends, lines, strict=True)
    ]
    azimuth: Content = {
        "swath": swath.name.upper(),
        "firstAzimuthLine": 0,
        "firstRangeSample": 0,
        "lastAzimuthLine": swath.lines * len(starts) - 1,
        "lastRangeSample": swath.samples - 1,
        "line": Vector(noise.lines, "d"),
        "noiseAzimuthLut": Vector(noise.azimuth_lut, ".6e"),
    }
    return document(
        element(
            "noise",
            {
                "adsHeader": header(acquisition, image),
                "noiseRangeVectorList": Listing("noiseRangeVector", vectors),
                "noiseAzimuthVectorList": Listing("noiseAzimuthVector", [azimuth]),
            },
        )
    )


def rfi_xml(acquisition: SimulatedAcquisition, image: Image) -> bytes:
    """Radio interference annotation: none found in any burst."""
    swath = image.swath
    noise_reports: list[Content] = [
        {
            "swath": swath.name.upper(),
            "noiseSensingTime": acquisition.utc(burst.sensing_us),
            "rfiDetected": False,
            "maxKLDivergence": Single(4.0),
            "maxFisherZ": Single(4.0),
            "maxRfiPsd": Single(0.0),
        }
        for burst in swath.bursts
    ]
    burst_reports: list[Content] = [
        {
            "swath": swath.name.upper(),
            "azimuthTime": acquisition.utc(burst.azimuth_us),
            "inBandOutBandPowerRatio": Single(1.0),
            "timeDomainRfiReport": {
                "percentageAffectedLines": Single(0.0),
                "avgPercentageAffectedSamples": Single(0.0),
                "maxPercentageAffectedSamples": Single(0.0),
            },
            "frequencyDomainRfiBurstReport": {
                "numSubBlocks": 1,
                "subBlockSize": swath.lines,
                "isolatedRfiReport": {
                    "percentageAffectedLines": Single(0.0),
                    "maxPercentageAffectedBW": Single(0.0),
                },
                "percentageBlocksPersistentRfi": Single(0.0),
                "maxPercentageBWAffectedPersistentRfi": Single(0.0),
            },
        }
        for burst in swath.bursts
    ]
    return document(
        element(
            "rfi",
            {
                "adsHeader": header(acquisition, image),
                "rfiMitigationApplied": "TimeFrequency",
                "rfiDetectionFromNoiseReportList": Listing("rfiDetectionFromNoiseReport", noise_reports),
                "rfiBurstReportList": Listing("rfiBurstReport", burst_reports),
            },
        )
    )


def _line_at(swath: Swath, time_us: float) -> int:
    """Line of a time, counted within the burst that it lies in or after."""
    burst = max(
        (b for b in swath.bursts if b.azimuth_us <= time_us), key=lambda b: b.index, default=swath.bursts[0]
    )
    return burst.index * swath.lines + round((time_us - burst.azimuth_us) * 1e-6 / LINE_INTERVAL)
