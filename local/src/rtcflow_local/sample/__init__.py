"""Simulated Sentinel-1 scenes with known gamma0: SAFE, orbit, DEM, geoid and truth.

Nothing here is shared with the code that processes scenes: orbit, geometry and terrain are this package's own, so that
what comes back from processing is checked against an independent truth.
"""

from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.write import Sample, read_sample, write_sample

__all__ = ["Sample", "SampleSpec", "read_sample", "write_sample"]
