"""Simulated Sentinel-1 scenes with known gamma0: SAFE, orbit, DEM, geoid and truth.

Nothing here is shared with the code that processes scenes: the package has its own orbit, geometry and terrain, so that
products are checked against an independent truth.
"""

from rtcflow_local.sample.spec import SampleSpec
from rtcflow_local.sample.write import Sample, read_sample, write_sample

__all__ = ["Sample", "SampleSpec", "read_sample", "write_sample"]
