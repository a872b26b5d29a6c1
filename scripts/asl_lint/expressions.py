"""JSONata expressions: balanced, parsable, and without a variable that nothing assigns."""

import re

import jsonata

from asl_lint.states import Json, Problem, scopes, states, strings

# Fields of the other query language; in a JSONata machine they are refused on deployment.
_JSONPATH_FIELDS = ("InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "ItemsPath")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)(?!\w*\s*\()")
_BOUND = re.compile(r"\$([A-Za-z_]\w*)\s*:=")
_PARAMETERS = re.compile(r"(?:\bfunction|λ)\s*\(([^)]*)\)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'")


def check_expressions(machine: Json) -> list[Problem]:
    """Every expression parses and names only variables that some state assigns."""
    problems: list[Problem] = []
    if machine.get("QueryLanguage") != "JSONata":
        problems.append(Problem("machine", "QueryLanguage is not JSONata"))
    for name, state in states(machine):
        problems += [Problem(name, f"{f} is a JSONPath field") for f in _JSONPATH_FIELDS if f in state]
    for region in [machine, *_distributed(machine)]:
        problems += _check_region(region)
    return problems


def _distributed(machine: Json) -> list[Json]:
    """Processors of distributed Maps: their states see no variable from outside."""
    return [scope.machine for scope in scopes(machine) if _is_distributed(scope.machine)]


def _is_distributed(processor: Json) -> bool:
    return processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"


def _check_region(region: Json) -> list[Problem]:
    """Check the states that share variables: all but those in distributed Maps within."""
    shared = [
        (name, state) for scope in _shared_scopes(region) for name, state in scope.get("States", {}).items()
    ]
    assigned = {"states"} | {name for _, state in shared for name in _assigned(state)}
    return [
        Problem(name, text)
        for name, state in shared
        for own in [{f: value for f, value in state.items() if f not in ("ItemProcessor", "Branches")}]
        for s in strings(own)
        for text in _check(s, assigned)
    ]


def _shared_scopes(region: Json) -> list[Json]:
    found = [region]
    for state in region.get("States", {}).values():
        inner = [state["ItemProcessor"]] if "ItemProcessor" in state else state.get("Branches", [])
        found += [s for part in inner if not _is_distributed(part) for s in _shared_scopes(part)]
    return found


def _assigned(state: Json) -> list[str]:
    return [
        name
        for part in [state, *state.get("Catch", []), *state.get("Choices", [])]
        for name in part.get("Assign", {})
    ]


def _check(text: str, assigned: set[str]) -> list[str]:
    opened, closed = text.count("{%"), text.count("%}")
    if not opened and not closed:
        return []
    if opened != 1 or closed != 1 or not (text.startswith("{%") and text.endswith("%}")):
        return [f"an expression must be the whole string, from {{% to %}}: {text[:80]}"]
    # Substitutions are filled in on deployment.
    expression = re.sub(r"\$\{\w+\}", "substituted", text[2:-2])
    try:
        jsonata.Jsonata(expression)
    except Exception as error:
        return [f"the expression does not parse ({error}): {text[:80]}"]
    bare = _QUOTED.sub('""', expression)
    bound = set(_BOUND.findall(bare))
    bound |= {name for parameters in _PARAMETERS.findall(bare) for name in _VARIABLE.findall(parameters)}
    unknown = set(_VARIABLE.findall(bare)) - bound - assigned
    return [f"${name} is never assigned" for name in sorted(unknown)]
