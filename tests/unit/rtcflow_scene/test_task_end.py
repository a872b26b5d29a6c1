"""How a call of RunTask ended, by the names and messages of AWS."""

import json
from datetime import UTC, datetime

import pytest

from rtcflow_contract.errors import ErrorClass
from rtcflow_scene.task_end import EndKind, read_end
from tests.support.after_task_case import NOW, ended, failed


def error(name, cause=None):
    return {"Error": name} if cause is None else {"Error": name, "Cause": cause}


@pytest.mark.parametrize(
    "end",
    [
        error("AmazonECS.Unknown", '[{"Arn": "a", "Reason": "RESOURCE:CPU"}]'),
        error("AmazonECS.Unknown", '[{"Reason": "RESOURCE:MEMORY"}]'),
        error("AmazonECS.Unknown", "Capacity is unavailable at this time. Please try again later"),
        error(
            "AmazonECS.Unknown", "You've reached the limit on the number of vCPUs you can run concurrently"
        ),
        error("AmazonECS.Unknown", "some reason that nobody wrote down"),
        error("AmazonECS.Unknown"),
        error("ECS.AmazonECSException", "Capacity is unavailable at this time."),
        error("ECS.ClientException", "Tasks provisioning capacity limit exceeded. (Service: AmazonECS; 400)"),
        error("ECS.InvalidParameterException", "No Container Instances were found in your cluster."),
        failed(None, "TaskFailedToStart", StoppedReason="Capacity is unavailable at this time."),
        failed(None, "TaskFailedToStart", StoppedReason="RESOURCE:ENI"),
    ],
)
def test_missing_capacity_is_recognized_by_its_words_whatever_the_name(end):
    assert read_end(end).kind is EndKind.CAPACITY


@pytest.mark.parametrize(
    "end",
    [
        error("ECS.AmazonECSException", "Rate exceeded"),
        error("ECS.AmazonECSException"),
        error("ECS.InvalidParameterException", "Rate exceeded (Service: AmazonECS; Status Code: 400)"),
        error("ECS.ClientException", "Too many concurrent attempts to create a new revision"),
        error("ECS.ThrottlingException", "Rate exceeded"),
        error("ECS.ServerException", "Service Unavailable"),
        error("ECS.SdkClientException", "Unable to execute HTTP request: Connect timed out"),
        error("ECS.LimitExceededException"),
        error("AmazonECS.Unknown", "Rate exceeded"),
    ],
)
def test_throttled_calls_keep_their_capacity(end):
    assert read_end(end).kind is EndKind.RATE


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (error("ECS.ClientException", "TaskDefinition is inactive"), "task definition"),
        (
            error(
                "ECS.InvalidParameterException", "The specified capacity provider strategy cannot contain X"
            ),
            "correct the stack's settings",
        ),
        (error("ECS.AccessDeniedException", "not authorized to perform: ecs:RunTask"), "settings"),
        (error("ECS.ClusterNotFoundException", "Cluster not found."), "settings"),
        (error("States.Permissions"), "settings"),
        (
            failed(
                None,
                "TaskFailedToStart",
                StoppedReason="CannotPullContainerError: pull image manifest has been retried 7 time(s): "
                "failed to resolve ref 1.dkr.ecr.us-west-2.amazonaws.com/rtcflow:native: not found",
            ),
            "push the image",
        ),
        (
            failed(
                None,
                "TaskFailedToStart",
                StoppedReason="CannotPullContainerError: image Manifest does not contain descriptor matching platform",
            ),
            "for the stack's architecture",
        ),
        (
            failed(
                None,
                "TaskFailedToStart",
                StoppedReason="ResourceInitializationError: unable to pull secrets or registry auth: retrieved secret "
                "from Secrets Manager did not contain json key EARTHDATA_LOGIN",
            ),
            "put every key",
        ),
        (
            failed(
                None,
                "TaskFailedToStart",
                StoppedReason="ResourceInitializationError: unable to pull secrets: unable to retrieve secret from "
                "asm: AccessDeniedException: not authorized to perform: secretsmanager:GetSecretValue",
            ),
            "execution role",
        ),
        (
            failed(
                None,
                "TaskFailedToStart",
                StoppedReason="ResourceInitializationError: unable to retrieve secret from asm: "
                "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
            ),
            "execution role",
        ),
    ],
)
def test_what_a_person_has_to_fix_says_what_to_do(end, sentence):
    found = read_end(end)
    assert found.kind is EndKind.CALLER
    assert found.error_class in (ErrorClass.REFUSED, ErrorClass.DEFECT)
    assert sentence in found.why


@pytest.mark.parametrize(
    "reason",
    [
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): dial tcp 1.2.3.4:443: i/o timeout",
        "ResourceInitializationError: unable to pull secrets or registry auth: context deadline exceeded",
        "Timeout waiting for network interface provisioning to complete.",
        "Timeout waiting for EphemeralStorage provisioning to complete.",
    ],
)
def test_a_start_that_failed_for_now_may_be_retried(reason):
    assert read_end(failed(None, "TaskFailedToStart", StoppedReason=reason)).kind is EndKind.NOT_STARTED


@pytest.mark.parametrize("stop_code", ["SpotInterruption", "TerminationNotice", "InfrastructureHealth"])
def test_a_task_that_aws_stopped_was_interrupted(stop_code):
    end = read_end(failed(143, stop_code, StoppedReason="Your Spot Task was interrupted."))
    assert end.kind is EndKind.INTERRUPTED
    assert end.ran


@pytest.mark.parametrize("exit_code", [0, 1, 65, 70, 75, 137, 139, 143, None])
@pytest.mark.parametrize("make", [ended, failed])
def test_a_container_that_ended_by_itself_leaves_the_decision_to_its_outcomes(exit_code, make):
    end = read_end(make(exit_code))
    assert (end.kind, end.exit_code) == (EndKind.RAN, exit_code)


def test_a_message_of_the_container_is_not_read_as_one_of_aws():
    """A burst's own trouble with an archive's rate must not look like ECS's."""
    assert read_end(failed(75, StoppedReason="Rate exceeded")).kind is EndKind.RAN


@pytest.mark.parametrize("name", ["States.Timeout", "States.HeartbeatTimeout"])
def test_a_task_over_its_time_leaves_the_decision_to_its_outcomes(name):
    assert read_end(error(name)).kind is EndKind.RAN


def test_an_unknown_name_is_retried_a_few_times():
    assert read_end(error("Something.New", "x")).kind is EndKind.NOT_STARTED


def test_times_and_id_of_the_task_are_kept():
    end = read_end(ended())
    assert (end.id, end.finished) == ("0123abc", NOW)
    assert (end.finished - end.started).total_seconds() == 120


@pytest.mark.parametrize("value", ["2026-01-02T03:04:05Z", 1767323045, 1767323045.0, 1.767323045e12])
def test_times_are_read_in_every_form(value):
    assert read_end(ended(StoppedAt=value)).finished == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


CAUSE = failed(143, "SpotInterruption")["Cause"]


@pytest.mark.parametrize("length", range(0, len(CAUSE), 7))
def test_a_cause_cut_off_anywhere_throws_nothing(length):
    end = read_end(error("States.TaskFailed", CAUSE[:length]))
    assert end.kind in (EndKind.RAN, EndKind.INTERRUPTED)
    assert end.why


@pytest.mark.parametrize(
    "end",
    [
        None,
        [],
        "text",
        {},
        {"Error": None},
        {"Error": "States.TaskFailed", "Cause": None},
        {"Error": "States.TaskFailed", "Cause": "no json"},
        {"Error": "States.TaskFailed", "Cause": "[1, 2]"},
        {"Error": "States.TaskFailed", "Cause": json.dumps({"Containers": None, "StopCode": None})},
        {"Error": "States.TaskFailed", "Cause": json.dumps({"Containers": [{"ExitCode": None}]})},
        {"Error": "States.TaskFailed", "Cause": '{"StoppedReason": "a \\"quoted\\" \\u00e4 word'},
    ],
)
def test_an_end_that_says_nothing_throws_nothing(end):
    assert read_end(end).why


def test_a_long_reason_is_cut():
    assert len(read_end(failed(1, StoppedReason="r" * 5000)).why) <= 300
