"""A task's arguments and progress, which the state machine passes from state to state."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from rtcflow_contract.model import FrozenModel
from rtcflow_contract.request import Compute
from rtcflow_contract.task import ATTEMPT_VARIABLE, TASK_VARIABLE

_CONTAINER = "burst"
# Events per round of a task in the execution's history: 6 for RunTask, 5 for AssembleStac, 2 for the choice, 2 for the
# wait. Step Functions ends an execution at 25,000 events; the rest is for retries of functions.
_EVENTS_OF_A_ROUND = 15
_EVENTS_OF_A_TASK = 4
_EVENTS_FOR_TASKS = 18_000
# ECS refuses longer values.
_LONGEST_TAG = 256


class StackSettings(FrozenModel):
    """Where and how a stack runs tasks; the state machine passes it to PlanScene.

    `subnets` are separated by commas, `engine` is that of the image, `bursts_per_task` applies if a payload says
    `auto`.
    """

    cluster: str = ""
    task_definition: str = ""
    spot_provider: str = "FARGATE_SPOT"
    on_demand_provider: str = "FARGATE"
    subnets: str = ""
    security_group: str = ""
    assign_public_ip: Literal["ENABLED", "DISABLED"] = "ENABLED"
    engine: Literal["native", "isce3"] = "native"
    bursts_per_task: str = "auto"
    capacity_wait_hours: float = 24
    task_tags: bool = True


class Usage(FrozenModel):
    """Usage of a task's containers: their number, id of the last, seconds billed, first start and last end."""

    id: str = ""
    attempts: int = 0
    spot_s: float = 0.0
    on_demand_s: float = 0.0
    started: AwareDatetime | None = None
    finished: AwareDatetime | None = None


class TaskRun(BaseModel):
    """The state of a task between two calls.

    Attributes
    ----------
    task : str
        S3 URI of the task.
    bursts : tuple of str
        Its bursts, for messages.
    run : dict
        Arguments of RunTask in the state machine.
    timeout_s : int
        Time limit of RunTask, s.
    compute : Compute
        Capacity that `run` asks for.
    on_demand_provider : str
        Capacity provider to switch to.
    most_rounds : int
        Most calls of RunTask.
    capacity_wait_s : int
        Longest wait for capacity, s.
    round, attempt : int
        Number of the RunTask call, and of the container, from 1.
    tries : int
        Consecutive containers that ended without making a further burst.
    left : int or None
        Bursts left after the last container.
    waits : int
        Consecutive calls without capacity, or throttled.
    waiting_since : datetime or None
        When these waits began.
    usage : Usage
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    bursts: tuple[str, ...] = ()
    run: dict[str, Any]
    timeout_s: int
    compute: Compute
    on_demand_provider: str
    most_rounds: int
    capacity_wait_s: int
    round: int = 1
    attempt: int = 1
    tries: int = 0
    left: int | None = None
    waits: int = 0
    waiting_since: AwareDatetime | None = None
    usage: Usage = Field(default_factory=Usage)

    def next_round(self, **changes: Any) -> Self:
        """The task for its next round; the arguments of RunTask follow `attempt` and `compute`."""
        changed = self.model_copy(update={"round": self.round + 1, **changes})
        run = {**changed.run, "Overrides": _overrides(changed.task, changed.attempt)}
        if changed.compute is not self.compute:
            run["CapacityProviderStrategy"] = _strategy(self.on_demand_provider)
        return changed.model_copy(update={"run": run})


def most_rounds(tasks: int) -> int:
    """Calls of RunTask per task that keep the history of a scene's execution below its limit."""
    return max(1, (_EVENTS_FOR_TASKS // max(1, tasks) - _EVENTS_OF_A_TASK) // _EVENTS_OF_A_ROUND)


def first_run(
    task: str,
    bursts: Sequence[str],
    *,
    stack: StackSettings,
    compute: Compute,
    tasks: int,
    timeout_s: int,
    scene: str,
    collection: str,
) -> TaskRun:
    """A task before its first call of RunTask; `tasks` is the number of the scene's tasks."""
    provider = stack.spot_provider if compute is Compute.SPOT else stack.on_demand_provider
    tags = {"Tags": _cost_tags(scene, collection)} if stack.task_tags else {}
    run = {
        "Cluster": stack.cluster,
        "TaskDefinition": stack.task_definition,
        "CapacityProviderStrategy": _strategy(provider),
        "Group": f"rtcflow:{bursts[0]}",
        "PropagateTags": "TASK_DEFINITION",
        **tags,
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "Subnets": stack.subnets.split(","),
                "SecurityGroups": [stack.security_group],
                "AssignPublicIp": stack.assign_public_ip,
            }
        },
        "Overrides": _overrides(task, 1),
    }
    return TaskRun(
        task=task,
        bursts=tuple(bursts),
        run=run,
        timeout_s=timeout_s,
        compute=compute,
        on_demand_provider=stack.on_demand_provider,
        most_rounds=most_rounds(tasks),
        capacity_wait_s=round(stack.capacity_wait_hours * 3600),
    )


def _strategy(provider: str) -> list[dict[str, Any]]:
    return [{"CapacityProvider": provider, "Weight": 1}]


def _overrides(task: str, attempt: int) -> dict[str, Any]:
    environment = [
        {"Name": TASK_VARIABLE, "Value": task},
        {"Name": ATTEMPT_VARIABLE, "Value": str(attempt)},
    ]
    return {"ContainerOverrides": [{"Name": _CONTAINER, "Environment": environment}]}


def _cost_tags(scene: str, collection: str) -> list[dict[str, str]]:
    """Tags for RunTask in a state machine; activate their keys as cost allocation tags in Billing."""
    values = {"rtcflow:scene": scene, "rtcflow:collection": collection}
    return [{"Key": key, "Value": value[:_LONGEST_TAG]} for key, value in values.items()]
