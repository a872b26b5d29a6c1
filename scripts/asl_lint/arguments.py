"""Arguments of service integrations against botocore's model of the service, in the PascalCase of Step Functions."""

from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

from asl_lint.states import Json, Problem, states

_PREFIX = "arn:aws:states:::"
_PATTERNS = (".sync:2", ".sync", ".waitForTaskToken")
# The optimized integration takes these of RunTask's arguments; the service itself takes more.
_RUN_TASK = frozenset(
    {
        "CapacityProviderStrategy",
        "Cluster",
        "EnableExecuteCommand",
        "Group",
        "LaunchType",
        "NetworkConfiguration",
        "Overrides",
        "PlacementConstraints",
        "PlacementStrategy",
        "PlatformVersion",
        "PropagateTags",
        "Tags",
        "TaskDefinition",
    }
)
# Services that Step Functions calls by another name than botocore.
_SERVICES = {"states": "stepfunctions"}
# What a distributed Map reads its items from and writes its results to.
_DATA_SETS = ("ItemReader", "ResultWriter")
# Of these the writer gives the key itself, below a prefix.
_WRITER_ARGUMENTS = frozenset({"Bucket", "Prefix"})
# Arguments of which only one may be given.
_EXCLUSIVE = {("ecs", "runTask"): ("LaunchType", "CapacityProviderStrategy")}


def check_arguments(machine: Json) -> list[Problem]:
    """Every argument of a task exists in the service's operation, is spelled in PascalCase, and none is missing."""
    tasks = [(name, check_task(state)) for name, state in states(machine) if state.get("Type") == "Task"]
    sets = [
        (name, _check_data_set(field, state[field]))
        for name, state in states(machine)
        for field in _DATA_SETS
        if field in state
    ]
    return [Problem(name, message) for name, messages in tasks + sets for message in messages]


def check_task(state: Json) -> list[str]:
    """What is wrong with the arguments of one Task; those of an expression are checked where they are written."""
    resource = state.get("Resource", "")
    if not resource.startswith(_PREFIX):
        return [f"Resource {resource} is not a service integration; use {_PREFIX}<service>:<action>"]
    for pattern in _PATTERNS:
        resource = resource.removesuffix(pattern)
    *_, service, action = resource.removeprefix(_PREFIX).split(":")
    try:
        shape = _input_shape(service, action)
    except Exception as error:
        return [f"Resource names {service}:{action}, which botocore does not know ({type(error).__name__})"]
    arguments = state.get("Arguments", {})
    if isinstance(arguments, str):
        return []
    problems = _compare(arguments, shape, "Arguments")
    if (service, action) == ("ecs", "runTask"):
        unknown = sorted(set(arguments) - _RUN_TASK)
        problems += [f"Arguments.{name} is not taken by the integration" for name in unknown]
    both = [name for name in _EXCLUSIVE.get((service, action), ()) if name in arguments]
    if len(both) > 1:
        problems.append(f"only one of {' and '.join(both)} may be given")
    return problems


def _check_data_set(field: str, data_set: Json) -> list[str]:
    arguments = data_set.get("Arguments", {})
    if field == "ResultWriter":
        unknown = sorted(set(arguments) - _WRITER_ARGUMENTS)
        return [f"ResultWriter.Arguments.{name} is not taken; give Bucket and Prefix" for name in unknown]
    service, action = data_set.get("Resource", "").removeprefix(_PREFIX).split(":")
    return _compare(arguments, _input_shape(service, action), "ItemReader.Arguments")


@lru_cache
def _input_shape(service: str, action: str) -> StructureShape | None:
    model = botocore.session.get_session().get_service_model(_SERVICES.get(service, service))
    return model.operation_model(action[0].upper() + action[1:]).input_shape


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _compare(value: Any, shape: Shape | None, path: str) -> list[str]:
    if isinstance(value, str) and value.startswith("{%"):
        return []
    if isinstance(shape, StructureShape):
        return _compare_structure(value, shape, path)
    if isinstance(shape, ListShape):
        if not isinstance(value, list):
            return [f"{path} must be a list"]
        return [p for i, item in enumerate(value) for p in _compare(item, shape.member, f"{path}[{i}]")]
    if isinstance(shape, MapShape) and not isinstance(value, dict):
        return [f"{path} must be a map"]
    return []


def _compare_structure(value: Any, shape: StructureShape, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} must be an object"]
    members = {_pascal(name): member for name, member in shape.members.items()}
    problems = [
        f"{path}.{_pascal(name)} is missing" for name in shape.required_members if _pascal(name) not in value
    ]
    for name, inner in value.items():
        if name in members:
            problems += _compare(inner, members[name], f"{path}.{name}")
        elif _pascal(name) in members:
            problems.append(f"{path}.{name} must be spelled {_pascal(name)}")
        else:
            problems.append(f"{path}.{name} is not an argument of {shape.name}")
    return problems
