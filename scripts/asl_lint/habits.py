"""What every state must say: comment, timeout, named retries with jitter, catch, an output cut down."""

from asl_lint.states import Json, Problem, states

# What a state of a type must have.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "Task": ("Comment", "TimeoutSeconds", "Arguments", "Catch", "Output"),
    "Map": ("Comment", "MaxConcurrency", "Catch", "Output"),
    "Choice": ("Comment",),
    "Pass": ("Comment", "Output"),
    "Wait": ("Comment",),
    "Succeed": ("Comment",),
    "Fail": ("Comment", "Error", "Cause"),
}
# A Map must have one of a mode's sources of items, and a distributed one must say what it tolerates.
_OF_MODE = {
    "INLINE": ("Items",),
    "DISTRIBUTED": ("ItemReader", "ResultWriter", "ToleratedFailureCount"),
}
# Where the state after the Catch decides what is tried again, a Retry would be a second decision.
_DECIDED_LATER = "ecs:runTask"
_RETRIER = ("IntervalSeconds", "BackoffRate", "MaxAttempts", "MaxDelaySeconds")
_WILDCARDS = {"States.ALL", "States.TaskFailed"}


def check_habits(machine: Json) -> list[Problem]:
    """Every state has what its type requires, and the machine has a comment and a timeout."""
    problems = [
        Problem("machine", f"has no {field}")
        for field in ("Comment", "TimeoutSeconds")
        if field not in machine
    ]
    for name, state in states(machine):
        required = (*_REQUIRED.get(state.get("Type", ""), ()), *_OF_MODE.get(_mode(state), ()))
        if state.get("Type") == "Task" and _DECIDED_LATER not in state.get("Resource", ""):
            required = (*required, "Retry")
        problems += [Problem(name, f"has no {field}") for field in required if field not in state]
        problems += _check_retries(name, state) + _check_catch(name, state)
    return problems


def _mode(state: Json) -> str:
    """Mode of a Map; empty for other states."""
    if state.get("Type") != "Map":
        return ""
    return state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode", "INLINE")


def _check_retries(name: str, state: Json) -> list[Problem]:
    problems: list[Problem] = []
    for retrier in state.get("Retry", []):
        blind = _WILDCARDS & set(retrier.get("ErrorEquals", []))
        if blind:
            problems.append(Problem(name, f"retries {', '.join(sorted(blind))}; name the errors"))
        problems += [Problem(name, f"a Retry has no {field}") for field in _RETRIER if field not in retrier]
        if retrier.get("JitterStrategy") != "FULL":
            problems.append(Problem(name, "a Retry has no JitterStrategy FULL"))
    return problems


def _check_catch(name: str, state: Json) -> list[Problem]:
    catchers = state.get("Catch", [])
    if not catchers or any("States.ALL" in catcher.get("ErrorEquals", []) for catcher in catchers):
        return []
    return [Problem(name, "no Catch takes States.ALL, so an error may pass by")]
