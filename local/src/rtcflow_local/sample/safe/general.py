"""The general part of product annotation: product, downlink, orbit, attitude, replica, noise, terrain, FM rate."""

import numpy as np
from scipy.spatial.transform import Rotation

from rtcflow_local.sample.acquisition import SimulatedAcquisition, Swath
from rtcflow_local.sample.geometry import heading
from rtcflow_local.sample.safe.names import Image
from rtcflow_local.sample.safe.xml_elements import Content, Listing, Single, Vector
from rtcflow_local.sample.sensor import (
    BURST_CYCLE,
    LINE_INTERVAL,
    RADAR_FREQUENCY,
    RANGE_SAMPLING_RATE,
    SPEED_OF_LIGHT,
    WAVELENGTH,
)
from rtcflow_local.sample.terrain import PLAIN_HEIGHT

_ORBIT_MARGIN, _ORBIT_STEP = 80.0, 10.0  # s
_ATTITUDE_STEP = 1.0  # s
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


def general_annotation(acquisition: SimulatedAcquisition, image: Image) -> Content:
    """Element `generalAnnotation`."""
    swath = image.swath
    start = acquisition.utc(swath.first_us)
    return {
        "productInformation": {
            "pass": "Ascending" if acquisition.spec.ascending else "Descending",
            "timelinessCategory": "Fast-24h",
            "platformHeading": heading(acquisition.orbit, swath.first_us * 1e-6),
            "projection": "Slant Range",
            "rangeSamplingRate": RANGE_SAMPLING_RATE,
            "radarFrequency": RADAR_FREQUENCY,
            "azimuthSteeringRate": swath.design.steering_rate,
        },
        "downlinkInformationList": Listing(
            "downlinkInformation", [_downlink_information(acquisition, swath)]
        ),
        "orbitList": Listing("orbit", _orbit(acquisition, swath)),
        "attitudeList": Listing("attitude", _attitude(acquisition, swath)),
        "rawDataAnalysisList": Listing("rawDataAnalysis", [_raw_data_analysis(acquisition, swath)]),
        "replicaInformationList": Listing("replicaInformation", [_replica(acquisition, swath)]),
        "noiseList": Listing(
            "noise",
            [
                {
                    "swath": swath.name.upper(),
                    "azimuthTime": acquisition.utc(burst.sensing_us),
                    "noisePowerCorrectionFactor": Single(6.0),
                    "numberOfNoiseLines": 8,
                }
                for burst in swath.bursts
            ],
        ),
        "terrainHeightList": Listing("terrainHeight", [{"azimuthTime": start, "value": PLAIN_HEIGHT}]),
        "azimuthFmRateList": Listing("azimuthFmRate", _fm_rates(acquisition, swath)),
    }


def _orbit(acquisition: SimulatedAcquisition, swath: Swath) -> list[Content]:
    count = round((2 * _ORBIT_MARGIN + (swath.last_us - swath.first_us) * 1e-6) / _ORBIT_STEP) + 1
    times_us = swath.first_us + np.round((np.arange(count) * _ORBIT_STEP - _ORBIT_MARGIN) * 1e6).astype(
        np.int64
    )
    positions, velocities, _ = acquisition.orbit.states(times_us * 1e-6)
    return [
        {
            "time": acquisition.utc(int(time)),
            "frame": "Earth Fixed",
            "position": dict(zip("xyz", position.tolist(), strict=True)),
            "velocity": dict(zip("xyz", velocity.tolist(), strict=True)),
        }
        for time, position, velocity in zip(times_us, positions, velocities, strict=True)
    ]


def _attitude(acquisition: SimulatedAcquisition, swath: Swath) -> list[Content]:
    """Attitude with the antenna in the zero-Doppler plane, as angles in the Earth-fixed frame."""
    seconds = np.arange(swath.first_us * 1e-6 - 2, swath.last_us * 1e-6 + 2 + _ATTITUDE_STEP, _ATTITUDE_STEP)
    times_us = np.round(seconds * 1e6).astype(np.int64)
    positions, velocities, _ = acquisition.orbit.states(times_us * 1e-6)
    ahead = velocities / np.linalg.norm(velocities, axis=1)[:, None]
    right = np.cross(ahead, positions)
    right /= np.linalg.norm(right, axis=1)[:, None]
    turn = Rotation.from_matrix(np.stack([ahead, right, np.cross(ahead, right)], axis=2))
    quaternions = turn.as_quat(canonical=True)
    angles = turn.as_euler("xyz", degrees=True)
    rates = np.gradient(np.unwrap(np.radians(angles), axis=0), _ATTITUDE_STEP, axis=0)
    return [
        {
            "time": acquisition.utc(int(time)),
            "frame": "Earth Fixed",
            **{f"q{n}": Single(q[(n - 1) % 4]) for n in range(4)},
            **{f"w{axis}": float(rate) for axis, rate in zip("xyz", turning, strict=True)},
            **{name: float(angle) for name, angle in zip(("roll", "pitch", "yaw"), tilt, strict=True)},
        }
        for time, q, turning, tilt in zip(times_us, quaternions, rates, angles, strict=True)
    ]


def _raw_data_analysis(acquisition: SimulatedAcquisition, swath: Swath) -> Content:
    return {
        "azimuthTime": acquisition.utc(swath.first_us),
        "iBias": 0.0,
        "qBias": 0.0,
        "iqQuadratureDeparture": 0.0,
        "iqGainImbalance": 1.0,
        "support": {
            "iBiasUpperBound": 0.01,
            "iBiasLowerBound": -0.01,
            "qBiasUpperBound": 0.01,
            "qBiasLowerBound": -0.01,
            "iqGainUpperBound": 1.001,
            "iqGainLowerBound": 0.999,
            "iqQuadratureDepartureUpperBound": 0.9,
            "iqQuadratureDepartureLowerBound": -0.9,
            "iBiasUsedForCorrection": 0.0,
            "qBiasUsedForCorrection": 0.0,
            "iqGainImbalanceUsedForCorrection": 1.0,
            "iqQuadratureDepartureUsedForCorrection": 0.0,
        },
    }


def _replica(acquisition: SimulatedAcquisition, swath: Swath) -> Content:
    start = acquisition.utc(swath.first_us)
    half_rate = swath.design.ramp_rate / 2
    return {
        "swath": swath.name.upper(),
        "referenceReplica": {
            "azimuthTime": start,
            "chirpSource": "Nominal",
            "pgSource": "Extracted",
            "amplitudeCoefficients": Vector([1.0, 0.0, 0.0, 0.0], ".6e"),
            "phaseCoefficients": Vector([0.0, 0.0, half_rate, 0.0], ".6e"),
            "timeDelay": Single(4.449473e-7),
            "gain": {"re": Single(1.0), "im": Single(0.0)},
        },
        "replicaList": Listing(
            "replica",
            [
                {
                    "azimuthTime": start,
                    "crossCorrelationBandwidth": Single(0.985),
                    "crossCorrelationPslr": Single(-12.7),
                    "crossCorrelationIslr": Single(-9.56),
                    "crossCorrelationPeakLocation": Single(0.0),
                    "reconstructedReplicaValidFlag": True,
                    "pgProductAmplitude": Single(9.36e-4),
                    "pgProductPhase": Single(0.05),
                    "modelPgProductAmplitude": Single(0.653),
                    "modelPgProductPhase": Single(0.0),
                    "relativePgProductValidFlag": True,
                    "absolutePgProductValidFlag": True,
                    "internalTimeDelay": Single(4.449467e-7),
                }
            ],
        ),
    }


def _fm_rates(acquisition: SimulatedAcquisition, swath: Swath) -> list[Content]:
    """Azimuth FM rate -2 v_e^2 / (wavelength R) as a quadratic in range time, around every burst."""
    cycle = round(BURST_CYCLE * 1e6)
    half = round(swath.lines * LINE_INTERVAL * 0.5e6)
    middles = [burst.azimuth_us + half for burst in swath.bursts]
    near = swath.design.slant_range_time
    offsets = np.linspace(0, swath.samples / RANGE_SAMPLING_RATE, 64)
    rates: list[Content] = []
    for time in (middles[0] - cycle, *middles, middles[-1] + cycle):
        (position,), (velocity,), _ = acquisition.orbit.states(np.array([time * 1e-6]))
        effective = velocity @ velocity * 6.371e6 / np.linalg.norm(position)
        rate = -4 * effective / (WAVELENGTH * SPEED_OF_LIGHT * (near + offsets))
        scale = offsets[-1]
        polynomial = np.polynomial.polynomial.polyfit(offsets / scale, rate, 2) / scale ** np.arange(3)
        rates.append(
            {
                "azimuthTime": acquisition.utc(time),
                "t0": near,
                "azimuthFmRatePolynomial": Vector(polynomial, ".15e"),
            }
        )
    return rates


def _downlink_information(acquisition: SimulatedAcquisition, swath: Swath) -> Content:
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
