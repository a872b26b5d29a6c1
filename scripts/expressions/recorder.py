"""A plugin of pytest that writes down every JSONata expression which tests of the state machines evaluate.

    pytest -p recorder tests/statemachine        with EXPRESSIONS naming the file

Beside what was evaluated, each expression is tried with every field of its input null and missing. A line of the file
is one evaluation: expression, input, variables, and the value or `failed`.
"""

import copy
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Of one expression: evaluations written down, those of them that are changed field by field, and in how many fields.
_KEPT, _CHANGED, _FIELDS = 50, 2, 40
_MISSING = object()

_seen: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {}


def pytest_collection_finish() -> None:
    """Record what the runner of the tests evaluates from now on."""
    runner: Any = sys.modules["tests.support.asl_runner"]
    evaluate = runner.evaluate

    def recorded(expression: str, scope: dict[str, Any], variables: dict[str, Any]) -> Any:
        key = json.dumps([scope, variables], default=str, sort_keys=True)
        kept = _seen.setdefault(expression, {})
        if len(kept) < _KEPT and key not in kept:
            kept[key] = (copy.deepcopy(scope), copy.deepcopy(variables))
        return evaluate(expression, scope, variables)

    runner.evaluate, runner.evaluate_unrecorded = recorded, evaluate


def pytest_sessionfinish() -> None:
    """Write all evaluations, and the expressions of the definitions that none was of."""
    evaluate = sys.modules["tests.support.asl_runner"].evaluate_unrecorded
    with Path(os.environ["EXPRESSIONS"]).open("w") as file:
        for expression, inputs in _seen.items():
            for number, (scope, variables) in enumerate(inputs.values()):
                changed = _with_changes(scope, variables) if number < _CHANGED else iter(())
                for tried in ((scope, variables), *changed):
                    print(json.dumps(_evaluation(evaluate, expression, *tried)), file=file)
        for expression in sorted(set(_expressions()) - set(_seen)):
            print(json.dumps({"expression": expression, "never": True}), file=file)


def _evaluation(evaluate: Any, expression: str, scope: Any, variables: Any) -> dict[str, Any]:
    case = {"expression": expression, "states": scope, "variables": variables}
    try:
        return {**case, "value": evaluate(expression, copy.deepcopy(scope), copy.deepcopy(variables))}
    except Exception as error:
        return {**case, "failed": str(error)[:200]}


def _with_changes(scope: dict[str, Any], variables: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    whole = {"scope": scope, "variables": variables}
    for path in list(_paths(whole))[:_FIELDS]:
        for value in (None, _MISSING):
            changed = copy.deepcopy(whole)
            holder: Any = changed
            for step in path[:-1]:
                holder = holder[step]
            if value is _MISSING:
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
            yield changed["scope"], changed["variables"]


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    )
    for key, content in inner:
        path = (*above, key)
        # Input, result and context themselves are never null.
        if len(path) > (1 if path[0] == "variables" else 2):
            yield path
        yield from _paths(content, path)


def _expressions() -> Iterator[str]:
    definitions = sys.modules["tests.support.definition"]
    yield from _texts([definitions.definition(), definitions.campaign()])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("{%"):
        yield value[2:-2]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)
