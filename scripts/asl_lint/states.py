"""Walks the states of a definition, those inside Map and Parallel too."""

from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]


class Problem(NamedTuple):
    """What is wrong, and in which state (or in which part of the definition)."""

    state: str
    message: str

    def __str__(self) -> str:
        return f"{self.state}: {self.message}"


class Scope(NamedTuple):
    """States that may name each other: a machine, or the processor of a Map; `name` is that of the Map."""

    name: str
    machine: Json

    @property
    def states(self) -> dict[str, Json]:
        """States by name."""
        return self.machine.get("States", {})


def scopes(machine: Json, name: str = "machine") -> Iterator[Scope]:
    """The machine, and every Map processor and Parallel branch in it."""
    yield Scope(name, machine)
    for state_name, state in machine.get("States", {}).items():
        inner = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        for part in inner:
            yield from scopes(part, state_name)


def states(machine: Json) -> Iterator[tuple[str, Json]]:
    """All states with their names."""
    for scope in scopes(machine):
        yield from scope.states.items()


def targets(state: Json) -> list[str]:
    """Names of the states that may follow."""
    following = [state.get("Next"), state.get("Default")]
    following += [rule.get("Next") for rule in [*state.get("Choices", []), *state.get("Catch", [])]]
    return [name for name in following if name is not None]


def strings(value: Any) -> Iterator[str]:
    """All strings in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
