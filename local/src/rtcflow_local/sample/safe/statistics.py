"""Statistics of an image's pixels, and the quality information of its annotation."""

from typing import NamedTuple

from rtcflow_local.sample.acquisition import SimulatedAcquisition
from rtcflow_local.sample.safe.names import Image
from rtcflow_local.sample.safe.xml_elements import Content, Listing, Single

_GAPS: dict[str, Content] = {
    "numDownlinkInputDataGaps": 0,
    "downlinkGapsInInputDataSignificantFlag": False,
    "numDownlinkInputMissingLines": 0,
    "downlinkMissingLinesSignificantFlag": False,
    "numInstrumentInputDataGaps": 0,
    "instrumentGapsInInputDataSignificantFlag": False,
    "numInstrumentInputMissingLines": 0,
    "instrumentMissingLinesSignificantFlag": False,
    "numSsbErrorInputDataGaps": 0,
    "ssbErrorGapsInInputDataSignificantFlag": False,
    "numSsbErrorInputMissingLines": 0,
    "ssbErrorMissingLinesSignificantFlag": False,
}


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


def quality_information(
    acquisition: SimulatedAcquisition, image: Image, statistics: PixelStatistics
) -> Content:
    """Element `qualityInformation`."""
    quality: Content = {
        "azimuthTime": acquisition.utc(image.swath.first_us),
        "downlinkQuality": {
            "iInputDataMean": 0.0,
            "qInputDataMean": 0.0,
            "inputDataMeanOutsideNominalRangeFlag": False,
            "iInputDataStdDev": 6.2,
            "qInputDataStdDev": 6.2,
            "inputDataStDevOutsideNominalRangeFlag": False,
            **_GAPS,
            "chirpSourceUsed": "Nominal",
            "pgSourceUsed": "Extracted",
            "rrfSpectrumUsed": "Extended Tapered",
            "replicaReconstructionFailedFlag": False,
            "meanPgProductAmplitude": 0.66,
            "stdDevPgProductAmplitude": 0.003,
            "meanPgProductPhase": 0.06,
            "stdDevPgProductPhase": 0.026,
            "pgProductDerivationFailedFlag": False,
            "invalidDownlinkParamsFlag": False,
        },
        "rawDataAnalysisQuality": {
            "iBias": 0.0,
            "iBiasSignificanceFlag": False,
            "qBias": 0.0,
            "qBiasSignificanceFlag": False,
            "iqGainImbalance": 1.0,
            "iqGainSignificanceFlag": False,
            "iqQuadratureDeparture": 0.0,
            "iqQuadratureDepartureSignificanceFlag": False,
        },
        "dopplerCentroidQuality": {"dcMethod": "Data Analysis", "dopplerCentroidUncertainFlag": False},
        "imageQuality": {
            "imageStatistics": image_statistics(statistics),
            "outputDataMeanOutsideNominalRangeFlag": False,
            "outputDataStDevOutsideNominalRangeFlag": False,
        },
    }
    return {"productQualityIndex": 0.0, "qualityDataList": Listing("qualityData", [quality])}
