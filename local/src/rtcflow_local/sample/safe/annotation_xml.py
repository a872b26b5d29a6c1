"""Product annotation of one image, in the order of ESA's schema.

Sentinel-1 Product Specification (S1-RS-MDA-52-7441), section on the Level-1 product annotation data set;
`burstId` from IPF 3.40 on.
"""

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition, SimulatedBurst, Swath
from rtcflow_local.sample.safe.general import general_annotation
from rtcflow_local.sample.safe.geolocation_grid import TiePoint, angles_along_range
from rtcflow_local.sample.safe.names import Image, header
from rtcflow_local.sample.safe.statistics import PixelStatistics, image_statistics, quality_information
from rtcflow_local.sample.safe.xml_elements import (
    Attributed,
    Content,
    Listing,
    Single,
    Vector,
    document,
    element,
)
from rtcflow_local.sample.sensor import (
    BURST_CYCLE,
    LINE_INTERVAL,
    RANGE_SAMPLING_RATE,
    RANGE_SPACING,
    SPEED_OF_LIGHT,
)
from rtcflow_local.sample.tiff import BYTES_PER_PIXEL

_PATTERN_SAMPLES = 129
_FINE_ESTIMATES = 20


def annotation_xml(
    acquisition: SimulatedAcquisition,
    image: Image,
    grid: list[TiePoint],
    offset: int,
    statistics: PixelStatistics,
) -> bytes:
    """Product annotation; `offset` is that of the first pixel in the measurement file, bytes."""
    return document(
        element(
            "product",
            {
                "adsHeader": header(acquisition, image),
                "qualityInformation": quality_information(acquisition, image, statistics),
                "generalAnnotation": general_annotation(acquisition, image),
                "imageAnnotation": {
                    "imageInformation": _image_information(acquisition, image, grid, statistics),
                    "processingInformation": _processing_information(acquisition, image.swath),
                },
                "dopplerCentroid": {
                    "dcEstimateList": Listing("dcEstimate", _doppler(acquisition, image.swath))
                },
                "antennaPattern": {
                    "antennaPatternList": Listing("antennaPattern", _patterns(acquisition, image.swath, grid))
                },
                "swathTiming": {
                    "linesPerBurst": image.swath.lines,
                    "samplesPerBurst": image.swath.samples,
                    "burstList": Listing(
                        "burst", [_burst(acquisition, image.swath, b, offset) for b in image.swath.bursts]
                    ),
                },
                "geolocationGrid": {
                    "geolocationGridPointList": Listing(
                        "geolocationGridPoint",
                        [_grid_point(acquisition, image.swath, point) for point in grid],
                    )
                },
                "coordinateConversion": {"coordinateConversionList": Listing("coordinateConversion", [])},
                "swathMerging": {"swathMergeList": Listing("swathMerge", [])},
            },
        )
    )


def _image_information(
    acquisition: SimulatedAcquisition, image: Image, grid: list[TiePoint], statistics: PixelStatistics
) -> Content:
    swath = image.swath
    middle, _ = angles_along_range(grid, np.array([swath.samples // 2]))
    speed = _ground_speed(acquisition, swath)
    start, stop = acquisition.utc(swath.first_us), acquisition.utc(swath.last_us)
    sensing = acquisition.utc(swath.bursts[0].sensing_us)
    return {
        "productFirstLineUtcTime": start,
        "productLastLineUtcTime": stop,
        "ascendingNodeTime": acquisition.node,
        "anchorTime": sensing,
        "productComposition": "Slice",
        "sliceNumber": 1,
        "sliceList": Listing(
            "slice",
            [
                {
                    "sliceNumber": 1,
                    "sensingStartTime": sensing,
                    "sensingStopTime": acquisition.utc(
                        swath.bursts[-1].sensing_us + swath.design.sensing_duration * 1e6
                    ),
                }
            ],
        ),
        "slantRangeTime": swath.design.slant_range_time,
        "pixelValue": "Complex",
        "outputPixels": "16 bit Signed Integer",
        "rangePixelSpacing": Single(RANGE_SPACING),
        "azimuthPixelSpacing": Single(speed * LINE_INTERVAL),
        "azimuthTimeInterval": LINE_INTERVAL,
        "azimuthFrequency": 1 / LINE_INTERVAL,
        "numberOfSamples": swath.samples,
        "numberOfLines": swath.lines * len(swath.bursts),
        "zeroDopMinusAcqTime": (swath.bursts[0].azimuth_us - swath.bursts[0].sensing_us) * 1e-6,
        "incidenceAngleMidSwath": float(middle[0]),
        "imageStatistics": image_statistics(statistics),
    }


def _ground_speed(acquisition: SimulatedAcquisition, swath: Swath) -> float:
    (position,), (velocity,), _ = acquisition.orbit.states(np.array([swath.first_us * 1e-6]))
    return float(np.linalg.norm(velocity) * 6.371e6 / np.linalg.norm(position))


def _processing_information(acquisition: SimulatedAcquisition, swath: Swath) -> Content:
    design = swath.design
    bands = {"range": design.range_bandwidth, "azimuth": design.azimuth_bandwidth}
    windows = {"range": design.range_window, "azimuth": design.azimuth_window}
    processing: dict[str, Content] = {
        f"{axis}Processing": {
            "windowType": "Hamming",
            "windowCoefficient": windows[axis],
            "totalBandwidth": band,
            "processingBandwidth": band,
            "lookBandwidth": band,
            "numberOfLooks": 1,
            "lookOverlap": 0.0,
        }
        for axis, band in bands.items()
    }
    name = swath.name.upper()
    return {
        "rawDataAnalysisUsed": True,
        "orbitDataFileUsed": True,
        "attitudeDataFileUsed": False,
        "rxVariationCorrectionApplied": True,
        "antennaElevationPatternApplied": True,
        "antennaAzimuthPatternApplied": True,
        "antennaAzimuthElementPatternApplied": True,
        "dcMethod": "Data Analysis",
        "dcInputData": "Range Compressed",
        "rangeSpreadingLossCompensationApplied": True,
        "srgrConversionApplied": False,
        "detectionPerformed": False,
        "thermalNoiseCorrectionPerformed": False,
        "rfiMitigationPerformed": "BasedOnNoiseMeas",
        "rfiMitigationDomain": "TimeAndFrequency",
        "chirpSource": "Nominal",
        "pgSource": "Extracted",
        "rrfSpectrum": "Extended Tapered",
        "applicationLutId": "IW_Default",
        "swathProcParamsList": Listing(
            "swathProcParams", [{"swath": name, **processing, "processorScalingFactor": Single(8.802781e11)}]
        ),
        "inputDimensionsList": Listing(
            "inputDimensions",
            [
                {
                    "azimuthTime": acquisition.utc(swath.first_us),
                    "swath": name,
                    "numberOfInputSamples": swath.samples + 2400,
                    "numberOfInputLines": round(design.prf * design.sensing_duration) * len(swath.bursts),
                }
            ],
        ),
        "referenceRange": 800000.0,
        "ellipsoidName": "WGS84",
        "ellipsoidSemiMajorAxis": 6378137.0,
        "ellipsoidSemiMinorAxis": 6356752.314245,
        "bistaticDelayCorrectionApplied": True,
        "topsFilterConvention": "Only Echo Lines",
        "orbitSource": "Auxiliary",
        "attitudeSource": "Downlink",
    }


def _doppler(acquisition: SimulatedAcquisition, swath: Swath) -> list[Content]:
    """Estimates around every burst: the simulated satellite steers its antenna to zero Doppler."""
    near = swath.design.slant_range_time
    duration = (swath.samples - 1) / RANGE_SAMPLING_RATE
    cycle = round(BURST_CYCLE * 1e6)
    middles = [burst.azimuth_us + round(swath.lines * LINE_INTERVAL * 0.5e6) for burst in swath.bursts]
    fine: list[Content] = [
        {"slantRangeTime": near + duration * part, "frequency": 0.0}
        for part in np.linspace(0.02, 0.98, _FINE_ESTIMATES)
    ]
    return [
        {
            "azimuthTime": acquisition.utc(time),
            "t0": near,
            "geometryDcPolynomial": Vector([0.0, 0.0, 0.0], ".6e"),
            "dataDcPolynomial": Vector([0.0, 0.0, 0.0], ".6e"),
            "dataDcRmsError": 1.0,
            "dataDcRmsErrorAboveThreshold": False,
            "fineDceAzimuthStartTime": acquisition.utc(time - cycle // 2),
            "fineDceAzimuthStopTime": acquisition.utc(time + cycle // 2),
            "fineDceList": Listing("fineDce", fine),
        }
        for time in (middles[0] - cycle, *middles, middles[-1] + cycle)
    ]


def _patterns(acquisition: SimulatedAcquisition, swath: Swath, grid: list[TiePoint]) -> list[Content]:
    samples = np.linspace(0, swath.samples - 1, _PATTERN_SAMPLES)
    incidence, elevation = angles_along_range(grid, samples)
    gain = np.cos(np.radians((elevation - elevation.mean()) * 8.0))
    times = swath.design.slant_range_time + samples / RANGE_SAMPLING_RATE
    last = [swath.last_us]
    return [
        {
            "swath": swath.name.upper(),
            "azimuthTime": acquisition.utc(time),
            "slantRangeTime": Vector(times, ".15e"),
            "elevationAngle": Vector(elevation, ".6e"),
            "elevationPattern": Vector(np.column_stack([gain, np.zeros_like(gain)]).ravel() * 1e14, ".6e", 2),
            "incidenceAngle": Vector(incidence, ".6e"),
            "terrainHeight": grid[0].ground.height,
            "roll": float(elevation.mean()),
        }
        for time in [burst.azimuth_us for burst in swath.bursts] + last
    ]


def _burst(acquisition: SimulatedAcquisition, swath: Swath, burst: SimulatedBurst, offset: int) -> Content:
    (first_line, last_line), (first_sample, last_sample) = swath.valid_lines, swath.valid_samples
    lines = np.arange(swath.lines)
    valid = (lines >= first_line) & (lines <= last_line)
    return {
        "azimuthTime": acquisition.utc(burst.azimuth_us),
        "azimuthAnxTime": burst.azimuth_us * 1e-6,
        "sensingTime": acquisition.utc(burst.sensing_us),
        "byteOffset": offset + burst.index * swath.lines * swath.samples * BYTES_PER_PIXEL,
        "firstValidSample": Vector(np.where(valid, first_sample, -1), "d"),
        "lastValidSample": Vector(np.where(valid, last_sample, -1), "d"),
        "burstId": Attributed(burst.number, {"absolute": str(burst.absolute_number)}),
    }


def _grid_point(acquisition: SimulatedAcquisition, swath: Swath, point: TiePoint) -> Content:
    distance = swath.near_range + point.sample * RANGE_SPACING
    return {
        "azimuthTime": acquisition.utc(point.time_us),
        "slantRangeTime": 2 * distance / SPEED_OF_LIGHT,
        "line": point.line,
        "pixel": point.sample,
        "latitude": point.ground.latitude,
        "longitude": point.ground.longitude,
        "height": point.ground.height,
        "incidenceAngle": point.ground.incidence,
        "elevationAngle": point.ground.elevation,
    }
