"""Parameters of Sentinel-1 IW in the simulation: platforms, orbit cycle, timing and sub-swaths.

Burst cycle, preamble and orbit period: Sentinel-1 Level-1 Detailed Algorithm Definition (S1-TN-MDA-52-7445),
table 9-7. Sub-swath parameters are those that IPF annotation lists for IW acquisitions of Sentinel-1A.
"""

from datetime import datetime
from typing import NamedTuple

SPEED_OF_LIGHT = 299_792_458.0  # m/s
RADAR_FREQUENCY = 5.405000454334350e9  # Hz
WAVELENGTH = SPEED_OF_LIGHT / RADAR_FREQUENCY  # m
RANGE_SAMPLING_RATE = 6.434523812571428e7  # Hz
RANGE_SPACING = SPEED_OF_LIGHT / (2 * RANGE_SAMPLING_RATE)  # m, slant range
LINE_INTERVAL = 2.055556299999998e-3  # s, azimuth time from line to line

TRACKS = 175
CYCLE_DAYS = 12
ORBIT_PERIOD = CYCLE_DAYS * 86400 / TRACKS  # s
BURST_CYCLE = 2.758273  # s
PREAMBLE = 2.299849  # s
# Position of the middle of the IW2 burst within a numbered burst cycle; repeat passes keep it within a few percent.
CYCLE_FRACTION = 0.55
IW2_MID_AFTER_START = 0.539  # s, sensing time

SAMPLE_VERSION = "1"


class Platform(NamedTuple):
    """A satellite: NSSDC id, and ascending node and absolute orbit number of one pass on track 71.

    The local time of the node drifts by seconds over the years: `later` has absolute orbit and node of other passes.
    """

    nssdc_id: str
    node: datetime
    absolute_orbit: int
    default_date: datetime
    later: tuple[tuple[int, datetime], ...] = ()


# The nodes of B, C and D are that of A plus their phase in the cycle (6, 6 and 7 days, from scene ids).
PLATFORMS: dict[str, Platform] = {
    "S1A": Platform(
        "2014-016A",
        datetime(2020, 5, 11, 13, 12, 30, 93273),
        32518,
        datetime(2023, 3, 1),
        # From burst t070_149815_iw3 of 2022-01-01T12:47:52.
        ((41267, datetime(2022, 1, 1, 11, 33, 55, 700000)),),
    ),
    "S1B": Platform("2016-025A", datetime(2021, 8, 4, 13, 12, 30, 93273), 28097, datetime(2021, 9, 1)),
    "S1C": Platform("2024-233A", datetime(2025, 8, 31, 13, 12, 30, 93273), 3917, datetime(2025, 9, 10)),
    "S1D": Platform("2025-251A", datetime(2026, 6, 16, 13, 12, 30, 93273), 3262, datetime(2026, 6, 20)),
}
REFERENCE_TRACK = 71
REFERENCE_NODE_LONGITUDE = 72.14606816831684  # degrees east, of track 71


class SwathDesign(NamedTuple):
    """A sub-swath: near range, raw data timing, burst dimensions at full size and noise levels.

    Attributes
    ----------
    slant_range_time : float
        Two-way time to the first sample, s.
    prf : float
        Of the raw data, Hz.
    rank : int
        Pulses in flight.
    lines, samples : int
        Of a full burst.
    sensing_after_iw1 : float
        Sensing start after that of the same cycle's IW1 burst, s.
    sensing_duration : float
        s; a burst's image is centred on the middle of its sensing.
    steering_rate : float
        Degrees per second.
    range_bandwidth, azimuth_bandwidth : float
        Hz.
    range_window, azimuth_window : float
        Hamming coefficients.
    pulse_length, start_frequency, ramp_rate : float
        Of the transmitted chirp: s, Hz, Hz/s.
    noise_middle, noise_near, noise_far : float
        Thermal noise in DN squared, co-polarized, at the middle and both ends of the range.
    noise_azimuth_edge : float
        Ratio of noise at the ends of a burst to that in its middle.
    """

    slant_range_time: float
    prf: float
    rank: int
    lines: int
    samples: int
    sensing_after_iw1: float
    sensing_duration: float
    steering_rate: float
    range_bandwidth: float
    azimuth_bandwidth: float
    range_window: float
    azimuth_window: float
    pulse_length: float
    start_frequency: float
    ramp_rate: float
    swath_number: int
    noise_middle: float
    noise_near: float
    noise_far: float
    noise_azimuth_edge: float


_IW1 = (
    5.334431164884956e-3,
    1717.128973878037,
    9,
    1497,
    21444,
    0.0,
    0.8,
    1.590368784,
    56.5e6,
    327.0,
    0.75,
    0.70,
)
_IW2 = (
    5.644353088882477e-3,
    1451.627112193990,
    8,
    1509,
    25359,
    0.832,
    1.046,
    0.979863325,
    48.3e6,
    313.0,
    0.75,
    0.75,
)
_IW3 = (
    6.015320711278467e-3,
    1685.817302492702,
    10,
    1515,
    24492,
    1.910,
    0.81,
    1.397440818,
    42.8e6,
    314.0,
    0.75,
    0.70,
)
SWATHS: dict[str, SwathDesign] = {
    "iw1": SwathDesign(
        *_IW1, 5.240481033595628e-5, -2.825153419637e7, 1.078230321e12, 10, 318.7, 534.7, 531.6, 1.170
    ),
    "iw2": SwathDesign(
        *_IW2, 6.199123983730e-5, -2.415614758417e7, 7.793410711e11, 11, 180.6, 376.5, 413.8, 1.124
    ),
    "iw3": SwathDesign(
        *_IW3, 5.337789669041e-5, -2.139495920161e7, 8.016373540e11, 12, 87.3, 225.9, 462.5, 1.143
    ),
}
# Cross-polarized channels show a little more noise.
CROSS_POL_NOISE = 1.08

BETA_NOUGHT = 237.0  # DN of beta0 = 1
