"""JSONata expressions: balanced, parsable, and without a variable that nothing assigns."""

import re

import jsonata

from asl_lint.states import Json, Problem, states, strings

# Fields of the other query language; in a JSONata machine they are refused on deployment.
_JSONPATH_FIELDS = ("InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "ItemsPath")
_VARIABLE = re.compile(r"\$([A-Za-z_]\w*)(?!\w*\s*\()")
_BOUND = re.compile(r"\$([A-Za-z_]\w*)\s*:=")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'")


def check_expressions(machine: Json) -> list[Problem]:
    """Every expression parses and names only variables that some state assigns."""
    assigned = {"states"} | {name for _, state in states(machine) for name in _assigned(state)}
    problems: list[Problem] = []
    if machine.get("QueryLanguage") != "JSONata":
        problems.append(Problem("machine", "QueryLanguage is not JSONata"))
    for name, state in states(machine):
        problems += [Problem(name, f"{f} is a JSONPath field") for f in _JSONPATH_FIELDS if f in state]
        own = {field: value for field, value in state.items() if field not in ("ItemProcessor", "Branches")}
        problems += [Problem(name, text) for s in strings(own) for text in _check(s, assigned)]
    return problems


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
    unknown = set(_VARIABLE.findall(bare)) - set(_BOUND.findall(bare)) - assigned
    return [f"${name} is never assigned" for name in sorted(unknown)]
