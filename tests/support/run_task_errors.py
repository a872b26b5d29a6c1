"""Errors of RunTask and reasons of tasks that did not start, in the words of AWS."""

from rtcflow_local.twin.faults import Fault

# Errors of RunTask for missing capacity, as (Error, Cause).
NO_CAPACITY = {
    "resource": ("AmazonECS.Unknown", '[{"Arn": "arn", "Reason": "RESOURCE:CPU"}]'),
    "unavailable": (
        "ECS.AmazonECSException",
        "Capacity is unavailable at this time. Please try again later.",
    ),
    "unknown": ("AmazonECS.Unknown", "Capacity is unavailable at this time. Please try again later."),
    "provisioning": ("ECS.ClientException", "Tasks provisioning capacity limit exceeded."),
    "quota": (
        "AmazonECS.Unknown",
        "You've reached the limit on the number of vCPUs you can run concurrently",
    ),
}
RATE_EXCEEDED = ("ECS.AmazonECSException", "Rate exceeded")
# Reasons of tasks that did not start.
IMAGE_NOT_FOUND = (
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref "
    "123456789012.dkr.ecr.us-west-2.amazonaws.com/rtcflow:native: not found"
)
SECRET_WITHOUT_KEY = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
    "retrieved secret from Secrets Manager did not contain json key EARTHDATA_LOGIN"
)


def refusal(where: str, answer: tuple[str, str], times: int = 1) -> Fault:
    """A refused call of RunTask."""
    error, cause = answer
    return Fault(where, "refuse", times=times, error=error, cause=cause)
