"""AssembleStac after a container: items of each burst, records of lost bursts, and the next step."""

import pytest

from rtcflow_contract.errors import ErrorClass, TransientError
from rtcflow_contract.keys import ITEM, MANIFEST, OUTCOME
from rtcflow_contract.layers import Product
from rtcflow_contract.report import Outcome
from rtcflow_files import storage
from rtcflow_scene.task_assembly import Silent, after_task
from tests.support.after_task_case import NOW, begun, ended, event, failed, made, outcome, read_outcome
from tests.support.inventory_case import SETTINGS, Spec, job_of


class Heard(Silent):
    def __init__(self):
        self.products = []

    def product(self, made):
        self.products.append(made.manifest.burst_id)


def run(given, publisher=None):
    return after_task(given, SETTINGS, publisher or Silent(), now=NOW, share=1.0)


def test_every_burst_gets_its_item_and_the_task_is_done(aws):
    jobs = [made(Spec(number)) for number in range(3)]
    heard = Heard()
    result = run(event(*jobs), heard)
    assert (result["next"], result["items"], result["capacity"]) == ("done", 3, "spot")
    assert result["usage"]["spot_s"] == 120
    assert "run" not in result
    assert heard.products == [job.burst_id for job in jobs]
    for job in jobs:
        assert read_outcome(job).item == str(job.destination.join(ITEM))
        assert storage.exists(job.destination.join(ITEM))


def test_a_second_call_changes_and_publishes_nothing(aws):
    jobs = [made(Spec(number)) for number in range(2)]
    first = run(event(*jobs))
    heard = Heard()
    assert run(event(*jobs), heard) == {**first, "items": 0}
    assert heard.products == []


def test_an_item_that_cannot_be_written_fails_only_its_burst(aws):
    whole, broken = made(Spec(0)), made(Spec(1))
    storage.delete(broken.destination.join(next(iter(_files(broken)))))
    result = run(event(broken, whole))
    assert (result["next"], result["items"]) == ("done", 1)
    sentence = read_outcome(broken)
    assert (sentence.outcome, sentence.error_class, sentence.reason) == (
        Outcome.FAILED,
        ErrorClass.DEFECT,
        "files-missing",
    )
    assert sentence.message.startswith("STAC item: product")
    assert read_outcome(whole).outcome is Outcome.MADE


def test_any_error_of_an_item_fails_only_its_burst(aws):
    whole, broken = made(Spec(0)), made(Spec(1))
    storage.write_bytes(broken.destination.join(MANIFEST), b'{"no": "manifest"}')
    assert run(event(broken, whole))["items"] == 1
    assert read_outcome(broken).outcome is Outcome.FAILED


def test_an_item_that_cannot_be_written_for_now_is_raised_after_all_others(aws, monkeypatch):
    first, second = made(Spec(0)), made(Spec(1))
    heard = Heard()

    def product(sentence):
        if sentence.manifest.burst_id == first.burst_id:
            raise TransientError("the topic is away")
        heard.products.append(sentence.manifest.burst_id)

    monkeypatch.setattr(heard, "product", product)
    with pytest.raises(TransientError):
        run(event(first, second), heard)
    assert heard.products == [second.burst_id]
    assert read_outcome(first).item is None


def test_a_burst_whose_static_layers_have_no_item_gets_none(aws):
    payload = {"link_static_layers": True}
    static = made(Spec(0, product=Product.RTC_S1_STATIC))
    linking = made(Spec(0, payload=payload))
    storage.delete(static.destination.join(next(iter(_files(static)))))
    run(event(static, linking))
    assert read_outcome(static).outcome is Outcome.FAILED
    assert read_outcome(linking).reason == "static-item"


def test_bursts_that_are_left_bring_another_round(aws):
    done, left = made(Spec(0)), job_of(Spec(1))
    outcome(left, "failed", error_class="transient", reason="network", message="ASF is away")
    result = run(event(done, left, end=failed(75)))
    assert (result["next"], result["items"], result["attempt"], result["left"]) == ("again", 1, 2, 1)
    assert result["run"]["Overrides"]["ContainerOverrides"][0]["Environment"][1]["Value"] == "2"


def test_a_burst_that_is_left_in_the_end_keeps_the_message_of_its_last_container(aws):
    job = outcome(job_of(Spec(0)), "failed", 4, error_class="transient", message="ASF is away")
    result = run(event(job, end=failed(75), attempt=4, tries=3, left=1))
    assert result["next"] == "done"
    assert read_outcome(job).message == "ASF is away"


def test_an_outcome_of_an_earlier_attempt_explains_nothing_about_a_later_one(aws):
    job = begun(outcome(job_of(Spec(0)), "failed", 1, error_class="transient", message="ASF is away"), 4)
    run(event(job, end=failed(137), attempt=4, tries=3, left=1))
    sentence = read_outcome(job)
    assert "exit code 137" in sentence.message
    assert sentence.error_class is ErrorClass.TRANSIENT


def test_a_burst_that_took_its_task_down_twice_is_a_defect_and_the_task_is_done(aws):
    done, killer = made(Spec(0)), begun(job_of(Spec(1)), attempt=2, times=2)
    result = run(event(done, killer, end=failed(139), attempt=2, left=1))
    assert result["next"] == "done"
    sentence = read_outcome(killer)
    assert (sentence.error_class, sentence.reason) == (ErrorClass.DEFECT, "took-task-down")
    assert "took its task down twice" in sentence.message


def test_a_burst_under_way_when_spot_was_lost_did_not_take_its_task_down(aws):
    job = begun(job_of(Spec(0)), attempt=2, times=2)
    result = run(event(job, end=failed(137, "SpotInterruption"), attempt=2))
    assert result["next"] == "again"
    sentence = read_outcome(job)
    assert (sentence.reason, sentence.attempt, sentence.error_class) == ("left", 2, ErrorClass.TRANSIENT)


def test_refused_and_failed_bursts_do_not_bring_another_round(aws):
    refused = outcome(job_of(Spec(0)), "failed", error_class="refused", message="the DEM lacks a tile")
    defect = outcome(job_of(Spec(1)), "failed", error_class="defect", message="KeyError")
    result = run(event(refused, defect, made(Spec(2)), end=failed(70)))
    assert (result["next"], result["items"]) == ("done", 1)
    assert read_outcome(refused).message == "the DEM lacks a tile"


def test_what_a_person_has_to_fix_is_reported_for_every_burst(aws):
    jobs = [job_of(Spec(number)) for number in range(2)]
    end = failed(None, "TaskFailedToStart", StoppedReason="CannotPullContainerError: r:native: not found")
    assert run(event(*jobs, end=end))["next"] == "done"
    for job in jobs:
        sentence = read_outcome(job)
        assert (sentence.error_class, sentence.reason, sentence.attempt) == (ErrorClass.REFUSED, "image", 0)
        assert "push the image" in sentence.message


def test_an_outcome_that_was_cut_off_counts_as_none(aws):
    job = job_of(Spec(0))
    storage.write_bytes(job.work.join(OUTCOME), b'{"burst_id": "t070')
    assert run(event(job, end=failed(137)))["next"] == "again"


def test_exit_code_0_without_an_outcome_is_run_again(aws):
    assert run(event(job_of(Spec(0)), end=ended(0)))["next"] == "again"


def _files(job):
    return [entry.name for entry in storage.list_objects(job.destination) if entry.name.endswith(".tif")]
