"""`rtcflow run`: start an execution on AWS or the twin, and follow it."""

import inspect
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from rtcflow.cli.payload_options import make_payload, payload_parameters
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from rtcflow_contract.scene_id import parse_scene_id
from rtcflow_local.report.aws import Clients, asked, scene_machine, stack_outputs
from rtcflow_local.report.follow import follow

_console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def run(
    *,
    payload: Annotated[
        Path | None, typer.Option(help="JSON file with a payload; options override it.", metavar="FILE")
    ] = None,
    stack: Annotated[
        str, typer.Option(help="Deployed stack to start it in.", envvar="RTCFLOW_STACK")
    ] = "rtcflow",
    state_machine_arn: Annotated[
        str | None, typer.Option(help="State machine to start, instead of the stack's.")
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="Endpoint instead of AWS, such as that of `rtcflow twin status`.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the execution; the same name and payload start only once.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Show states and bursts until it ends.")
    ] = False,
    **fields: Any,
) -> None:
    """Start an execution for a scene.

    With --follow the exit code is 0 if it succeeded, else 65 (refused), 70 (defect) or 75 (transient).
    """
    wanted = make_payload(fields, payload)
    clients = Clients(endpoint_url)
    machine = state_machine_arn or scene_machine(stack_outputs(clients, stack))
    arn = start(clients("stepfunctions"), machine, wanted, name)
    _console.print(f"execution {arn}")
    if not wait:
        endpoint = f" --endpoint-url {endpoint_url}" if endpoint_url else ""
        _console.print(f"write its report with: rtcflow report {arn}{endpoint}")
        return
    ended = follow(clients("stepfunctions"), arn, _console, clients("s3"))
    if ended.exit_code:
        raise typer.Exit(ended.exit_code)


# Typer reads parameters from the signature: those of the request first, then the command's own.
_own = [p for p in inspect.signature(run).parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
_all = [*payload_parameters(), *_own]
run.__signature__ = inspect.Signature(_all)  # type: ignore[attr-defined]
run.__annotations__ = {parameter.name: parameter.annotation for parameter in _all}


def start(client: Any, state_machine: str, payload: dict[str, Any], name: str | None = None) -> str:
    """Start an execution and return its ARN.

    Parameters
    ----------
    client : boto3 Step Functions client
    state_machine : str
        Its ARN.
    payload : dict
    name : str, optional
        By default made of scene, product and time.

    Raises
    ------
    RefusedError, TransientError
        When Step Functions did not start it.
    """
    chosen = name or _execution_name(payload, datetime.now(UTC))
    if not 1 <= len(chosen) <= 80 or not set(chosen) <= _NAME_SIGNS:
        raise RefusedError(
            f"'{chosen}' is not a name for an execution; use letters, digits, '-' and '_', 80 at most", "name"
        )
    with asked(f"execution '{chosen}' of {state_machine}"):
        started = client.start_execution(
            stateMachineArn=state_machine, name=chosen, input=json.dumps(payload, sort_keys=True)
        )
    return str(started["executionArn"])


_NAME_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def _execution_name(payload: dict[str, Any], now: datetime) -> str:
    """A name like `S1A-20220101T124744-RTC_S1-20250408T025401123`."""
    scene = parse_scene_id(str(payload["scene"]))
    product = payload.get("product") or Product.RTC_S1.value
    return f"{scene.platform}-{scene.start:%Y%m%dT%H%M%S}-{product}-{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}"
