"""The graph of a definition: no dangling transition, no unreachable state, no state without a way out."""

from asl_lint.states import Json, Problem, Scope, scopes, states, targets

_ENDS = ("Succeed", "Fail")


def check_graph(machine: Json) -> list[Problem]:
    """Transitions lead to states of their scope, every state is reached, leads on or ends, and has its own name."""
    problems = [problem for scope in scopes(machine) for problem in _check_scope(scope)]
    names = [name for name, _ in states(machine)]
    doubles = sorted({name for name in names if names.count(name) > 1})
    return problems + [Problem(name, "the name is used more than once in the machine") for name in doubles]


def _check_scope(scope: Scope) -> list[Problem]:
    problems: list[Problem] = []
    start = scope.machine.get("StartAt")
    if start not in scope.states:
        return [Problem(scope.name, f"StartAt names {start}, which is not a state of it")]
    for name, state in scope.states.items():
        for target in targets(state):
            if target not in scope.states:
                problems.append(Problem(name, f"leads to {target}, which is not a state beside it"))
        problems += _check_way_out(name, state)
    reached = _reached(start, scope.states)
    problems += [Problem(name, "is never reached") for name in scope.states if name not in reached]
    return problems


def _check_way_out(name: str, state: Json) -> list[Problem]:
    kind = state.get("Type")
    if kind in _ENDS:
        return []
    if kind == "Choice":
        return [] if "Default" in state else [Problem(name, "has no Default")]
    ways = [way for way in ("Next", "End") if state.get(way)]
    return [] if len(ways) == 1 else [Problem(name, "must have either Next or End")]


def _reached(start: str, known: dict[str, Json]) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in known:
            continue
        reached.add(name)
        waiting += targets(known[name])
    return reached
