"""AWS clients of the commands, and one sentence for each refusal of Step Functions."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from rtcflow_cloud.failures import error_code, translate, translated
from rtcflow_contract.errors import RefusedError

_STATE_MACHINE_OUTPUT = "SceneStateMachineArn"
# Alias of the version in use, which a roll-back changes; stacks may not have one.
_LIVE_OUTPUT = "SceneStateMachineLiveArn"
BUCKET_OUTPUT = "ProductsBucketName"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_REFUSALS = {
    "ExecutionDoesNotExist": "does not exist; check its ARN and region",
    "StateMachineDoesNotExist": "does not exist; check its ARN and region",
    "InvalidArn": "is not such an ARN; copy it from the console or from `rtcflow run`",
    "ExecutionAlreadyExists": "is the name of an earlier execution, and a name can be used only once; give another "
    "--name",
    "InvalidName": "has a name that Step Functions does not accept; use at most 80 letters, digits, '-' and '_'",
    "ExecutionLimitExceeded": "cannot start now, too many executions are open; try again later",
}


class Clients:
    """Clients by service, for one endpoint and session.

    Parameters
    ----------
    endpoint_url : str, optional
        By default AWS_ENDPOINT_URL of the environment, else AWS.
    """

    def __init__(self, endpoint_url: str | None = None) -> None:
        self._endpoint = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or None
        self._made: dict[str, Any] = {}

    def __call__(self, service: str) -> Any:
        """The client of a service."""
        if service not in self._made:
            self._made[service] = self._make(service)
        return self._made[service]

    def _make(self, service: str) -> Any:
        try:
            # boto3 itself does not read AWS_REGION.
            session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
            options: dict[str, Any] = {"endpoint_url": self._endpoint}
            if self._endpoint and urlsplit(self._endpoint).hostname in _LOOPBACK:
                # A local emulator accepts any credentials, so users need not set them.
                options["region_name"] = session.region_name or "us-west-2"
                if session.get_credentials() is None:
                    options |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            options["config"] = Config(
                retries={"mode": "standard", "max_attempts": 6},
                s3={"addressing_style": "path" if self._endpoint else "auto"},
            )
            make: Any = session.client
            return make(service, **options)
        except NoRegionError as error:
            raise RefusedError(
                "no AWS region is set; run `aws configure` or set AWS_REGION", reason="region"
            ) from error
        except BotoCoreError as error:
            raise RefusedError(f"AWS cannot be used: {error}", reason="aws-configuration") from error
        except ValueError as error:
            raise RefusedError(
                f"'{self._endpoint}' is not an endpoint; write it like http://127.0.0.1:4566", "endpoint"
            ) from error


@contextmanager
def asked(what: str) -> Iterator[None]:
    """Within the block, raise the contract's errors in place of botocore's; `what` begins the sentence."""
    try:
        yield
    except ClientError as error:
        refusal = _REFUSALS.get(error_code(error))
        if refusal:
            raise RefusedError(f"{what} {refusal}", reason="step-functions") from error
        raise translate(error, what) from error
    except BotoCoreError as error:
        raise translate(error, what) from error


def stack_outputs(clients: Clients, stack: str) -> dict[str, str]:
    """Outputs of a deployed stack.

    Raises
    ------
    RefusedError
        When there is no such stack, or it is not a stack of rtcflow.
    """
    try:
        with translated(f"stack '{stack}'"):
            try:
                found = clients("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
            except ClientError as error:
                # CloudFormation reports a missing stack as ValidationError.
                if error_code(error) != "ValidationError":
                    raise
                found = {}
    except IndexError:
        found = {}
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    if _STATE_MACHINE_OUTPUT not in outputs:
        raise RefusedError(
            f"there is no rtcflow stack named '{stack}' here; give its name with --stack, or the state machine "
            "with --state-machine-arn",
            reason="stack",
        )
    return outputs


def scene_machine(outputs: dict[str, str]) -> str:
    """ARN by which scenes are started: the alias of a stack, or the state machine if it has none."""
    return outputs.get(_LIVE_OUTPUT) or outputs[_STATE_MACHINE_OUTPUT]
