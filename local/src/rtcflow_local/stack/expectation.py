"""Estimate for the products of a search: bytes to fetch, duration on this machine, cost on AWS."""

import os
from typing import NamedTuple

from rtcflow_local.stack.acquisitions import Found
from rtcflow_scene.estimate import Basis, CampaignPart, estimate

# Seconds of one core for a full-size dual-polarized burst at 20 m, and for the static layers of one (docs/scale.md).
_BURST_CPU_S, _STATIC_CPU_S = 12.0, 28.0
# Bytes per second from an archive over a household's or institute's connection.
_FETCH_RATE = 10e6


class Expectation(NamedTuple):
    """Bytes to fetch, seconds on this machine, and USD on AWS Spot in the default region."""

    fetched_bytes: int
    seconds: float
    cost_usd: float


def expect(found: Found, cores: int | None = None) -> Expectation:
    """Make a rough estimate, without existing products, retries and waits for orbits."""
    bursts = found.bursts
    static = len({burst.burst_id for burst in bursts})
    fetched = sum(burst.size for burst in bursts)
    computing = (len(bursts) * _BURST_CPU_S + static * _STATIC_CPU_S) / (cores or os.cpu_count() or 1)
    scenes = len({burst.scene.id for burst in bursts})
    parts = [CampaignPart(min(scenes, static), static, static=True), CampaignPart(scenes, len(bursts))]
    cost = estimate(parts, Basis()).cost_usd
    # Fetching continues while the engine computes.
    return Expectation(fetched, max(computing, fetched / _FETCH_RATE), cost)


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
