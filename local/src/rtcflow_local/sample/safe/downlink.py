"""Downlink information of product annotation: pulse timing, chirp and telemetry counters."""

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.safe.xml import Content, Listing
from rtcflow_local.sample.sensor import RANGE_SAMPLING_RATE

_ERROR_COUNTERS = [
    "SyncMarker",
    "DataTakeId",
    "EccNumber",
    "TestMode",
    "RxChannelId",
    "InstrumentConfigId",
    "PacketCount",
    "PriCount",
    "SsbErrorFlag",
    "BaqMode",
    "BaqBlockLength",
    "RangeDecimation",
    "RxGain",
    "TxRampRate",
    "TxPulseStartFrequency",
    "Rank",
    "Pri",
    "Swst",
    "Swl",
    "Polarisation",
    "TempComp",
    "ElevationBeamAddress",
    "AzimuthBeamAddress",
    "SasTestMode",
    "CalType",
    "CalibrationBeamAddress",
    "CalMode",
    "TxPulseNumber",
    "SignalType",
    "SwapFlag",
    "SwathNumber",
    "NumberOfQuads",
]


def downlink_information(acquisition: SimulatedAcquisition, swath: Swath) -> Content:
    """Element `downlinkInformation`."""
    design = swath.design
    start = acquisition.utc(swath.first_us)
    sensing = acquisition.utc(swath.bursts[0].sensing_us)
    return {
        "swath": swath.name.upper(),
        "azimuthTime": start,
        "firstLineSensingTime": sensing,
        "lastLineSensingTime": acquisition.utc(swath.bursts[-1].sensing_us + design.sensing_duration * 1e6),
        "prf": design.prf,
        "bitErrorCount": {f"numErr{name}": 0 for name in _ERROR_COUNTERS} | {"numIspHeaderErrors": 0},
        "downlinkValues": {
            "pri": 1 / design.prf,
            "rank": design.rank,
            "dataTakeId": acquisition.datatake % 65536,
            "eccNumber": 8,
            "rxChannelId": 0,
            "instrumentConfigId": 7,
            "dataFormat": {
                "baqBlockLength": 256,
                "echoFormat": "FDBAQ",
                "noiseFormat": "BAQ 5 Bit",
                "calibrationFormat": "Decimation",
                "meanBitRate": 0.25,
            },
            "rangeDecimation": {
                "decimationFilterBandwidth": 5.659e7,
                "samplingFrequencyAfterDecimation": RANGE_SAMPLING_RATE,
                "filterLength": 36,
            },
            "rxGain": -4.0,
            "txPulseLength": design.pulse_length,
            "txPulseStartFrequency": design.start_frequency,
            "txPulseRampRate": design.ramp_rate,
            "swathNumber": design.swath_number,
            "swlList": Listing("swl", [{"azimuthTime": sensing, "value": 3.7e-4}]),
            "swstList": Listing("swst", [{"azimuthTime": sensing, "value": 1.0e-4}]),
            "pointingStatusList": Listing(
                "pointingStatus",
                [
                    {
                        "azimuthTime": sensing,
                        "aocsOpMode": "Normal Pointing Mode",
                        "rollErrorFlag": False,
                        "pitchErrorFlag": False,
                        "yawErrorFlag": False,
                    }
                ],
            ),
        },
    }
