import pytest
from asl_runner import ExecutionFailed
from scene_play import BURSTS, Play, job_uri, runner, stopped

LIMIT = 32 * 1024
PAYLOAD = {
    "scene": "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD",
    "burst_id_list": BURSTS,
}


def test_state_of_a_scene_of_30_bursts_stays_small():
    machine = runner(Play(BURSTS))
    machine.run(PAYLOAD)
    assert machine.largest < LIMIT


def test_state_stays_small_when_every_burst_fails_with_the_longest_cause():
    def fault(key, attempt, arguments):
        raise stopped(exit_code=75)

    machine = runner(Play(BURSTS, faults={"RunBurst": fault}))
    with pytest.raises(ExecutionFailed):
        machine.run(PAYLOAD)
    assert machine.largest < LIMIT


def test_state_stays_small_when_all_static_layers_are_made_and_half_fail():
    def fault(key, attempt, arguments):
        if "_iw1" in key or "_iw2/" in key:
            raise stopped(exit_code=70)

    jobs = [{"burst_id": name, "job": job_uri(name, "RTC_S1_STATIC")} for name in BURSTS]
    static = {"decision": "create", "message": "x" * 5000, "missing": [], "jobs": jobs}
    machine = runner(Play(BURSTS, link=True, static=static, faults={"RunStaticBurst": fault}))
    with pytest.raises(ExecutionFailed):
        machine.run(PAYLOAD)
    assert machine.largest < LIMIT
