"""Build and deploy the real template to the emulator with the SAM CLI."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import WaiterError

from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_local.twin.emulator import Emulator

_STACK = "rtcflow"
# The emulator has no log delivery, X-Ray or alarms; retries need not wait for capacity.
_PARAMETERS = {"Architecture": "X86_64", "PublishVersions": "false"}


class Stack(NamedTuple):
    """A deployed stack's outputs by name."""

    outputs: dict[str, str]

    @property
    def state_machine(self) -> str:
        """ARN of the scene state machine."""
        return self.outputs["SceneStateMachineArn"]

    @property
    def products_bucket(self) -> str:
        """Bucket of the products."""
        return self.outputs["ProductsBucketName"]

    @property
    def work_bucket(self) -> str:
        """Bucket of plans, jobs, outcomes and reports."""
        return self.outputs["WorkBucketName"]


def deploy(
    emulator: Emulator,
    project: Path,
    parameters: Mapping[str, str] | None = None,
    say: Callable[[str], None] = lambda text: None,
    stack: str = _STACK,
) -> Stack:
    """`sam build` and `sam deploy` the project's template.

    Parameters
    ----------
    emulator : Emulator
    project : Path
        Folder of template.yaml.
    parameters : mapping, optional
        Template parameters in addition to those of the twin.
    say : callable
        Called with a line on progress.
    stack : str
        Name of the stack; several can exist side by side and share the build of the first.

    Raises
    ------
    RefusedError
        When the SAM CLI or the template is missing.
    DefectError
        When build or deployment fail, with the reason and the log.
    """
    template = project / "template.yaml"
    if not template.is_file():
        raise RefusedError(
            f"there is no template.yaml in {project}; run this in a checkout of rtcflow", "template"
        )
    build = emulator.folder / "build"
    if stack == _STACK or not (build / "template.yaml").is_file():
        say("building the functions")
        build_options = ("--template", str(template), "--build-dir", str(build), "--no-cached")
        _sam(emulator, project, "build", *build_options)
    say("deploying the stack")
    overrides = [f'{name}="{value}"' for name, value in {**_PARAMETERS, **(parameters or {})}.items()]
    _sam(
        emulator,
        project,
        "deploy",
        "--template-file",
        str(build / "template.yaml"),
        "--stack-name",
        stack,
        "--capabilities",
        "CAPABILITY_IAM",
        "CAPABILITY_AUTO_EXPAND",
        "--resolve-s3",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
        "--region",
        emulator.environment["AWS_REGION"],
        "--parameter-overrides",
        *overrides,
        stack=stack,
    )
    return describe(emulator, stack)


def describe(emulator: Emulator, stack: str = _STACK) -> Stack:
    """Outputs of a deployed stack."""
    found = emulator.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return Stack({output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])})


def remove(emulator: Emulator, stack: str = _STACK) -> None:
    """Delete a stack like `aws cloudformation delete-stack`; `sam delete` fails on the emulator's nested stacks.

    Raises
    ------
    DefectError
        When a resource cannot be deleted.
    """
    client = emulator.client("cloudformation")
    client.delete_stack(StackName=stack)
    try:
        client.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})
    except WaiterError as error:
        reason = _failure_reason(emulator, stack) or error
        raise DefectError(f"stack {stack} could not be deleted: {reason}", "delete") from error


def _sam(emulator: Emulator, project: Path, *arguments: str, stack: str = _STACK) -> None:
    sam = Path(sys.executable).with_name("sam")
    program = str(sam) if sam.is_file() else shutil.which("sam")
    if program is None:
        raise RefusedError("the SAM CLI is not installed; run: make setup", "sam-missing")
    log = emulator.folder / f"sam-{arguments[0]}.log"
    environment = {
        **os.environ,
        **emulator.environment,
        "RTCFLOW_BUILD": "twin",
        "TMPDIR": str(emulator.temporary),
    }
    done = subprocess.run(
        [program, *arguments, "--config-env", "local"],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    log.write_text(done.stdout)
    if done.returncode != 0:
        reason = _failure_reason(emulator, stack) or done.stdout.strip().splitlines()[-1:]
        raise DefectError(f"sam {arguments[0]} failed: {reason}; see {log}", "deploy")


def _failure_reason(emulator: Emulator, stack: str) -> str | None:
    client = emulator.client("cloudformation")
    try:
        events: list[dict[str, Any]] = client.describe_stack_events(StackName=stack)["StackEvents"]
    except client.exceptions.ClientError:
        return None
    failures = [event for event in events if "FAILED" in event.get("ResourceStatus", "")]
    reasons = [
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failures
    ]
    return "; ".join(reversed(reasons[-3:])) or None
