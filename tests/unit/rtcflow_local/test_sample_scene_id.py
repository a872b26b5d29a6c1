"""A sample of a given scene id: the pass, the times and the bursts that a real scene of this id has."""

from datetime import UTC, datetime, timedelta

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.sample.acquisition import plan_acquisition
from rtcflow_local.sample.safe.names import scene_name
from rtcflow_local.sample.scene_pass import spec_of_scene

ANTARCTICA = "S1A_IW_SLC__1SSH_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
AUSTRALIA = "S1A_IW_SLC__1SDV_20220130T191354_20220130T191421_041694_04F5F9_1AFD"


def bursts_of(scene, **options):
    acquisition = plan_acquisition(spec_of_scene(scene, **options))
    return acquisition, {burst.burst_id: burst for swath in acquisition.swaths for burst in swath.bursts}


def test_a_burst_has_the_number_and_the_time_of_the_real_one():
    # OPERA_L2_RTC-S1_T070-149815-IW3_20220101T124752Z_..., a product of this scene.
    acquisition, bursts = bursts_of(ANTARCTICA)
    sensed = acquisition.utc(bursts["t070_149815_iw3"].azimuth_us)
    assert abs(sensed - datetime(2022, 1, 1, 12, 47, 52, 500000, UTC)) < timedelta(seconds=0.6)


@pytest.mark.parametrize(
    ("scene", "track", "polarizations", "variant", "number"),
    [(ANTARCTICA, 70, ("HH",), "polar", 10), (AUSTRALIA, 147, ("VV", "VH"), "coast", 9)],
)
def test_pass_and_times_are_those_of_the_id(scene, track, polarizations, variant, number):
    acquisition, bursts = bursts_of(scene)
    found = parse_scene_id(scene)
    assert scene_name(acquisition, 0) == scene
    assert (acquisition.track, acquisition.absolute_orbit) == (track, found.absolute_orbit)
    assert acquisition.datatake == int(found.datatake, 16)
    assert (acquisition.spec.polarizations, acquisition.spec.variant) == (polarizations, variant)
    assert len(bursts) == 3 * number
    assert found.start <= acquisition.utc(acquisition.start_us)
    assert acquisition.utc(acquisition.stop_us) <= found.stop


def test_fewer_bursts_are_the_first_ones():
    _, bursts = bursts_of(ANTARCTICA, bursts=3)
    assert "t070_149815_iw3" in bursts
    assert len(bursts) == 9


def test_an_id_of_a_time_too_short_for_a_burst_is_refused():
    short = ANTARCTICA.replace("124814", "124745")
    with pytest.raises(RefusedError, match="contain no burst"):
        spec_of_scene(short)
