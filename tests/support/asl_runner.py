"""Walks a JSONata state machine with tasks played by functions: enough ASL to test flow, expressions and state sizes.

Waits take no time, Retry is honoured by name and number, Map items run one after the other.
"""

import copy
import json
from collections.abc import Callable
from typing import Any

import jsonata

# An answer of a played task: its result, or raise TaskError.
Player = Callable[[str, dict[str, Any]], Any]
NOTHING = jsonata.utils.Utils.NULL_VALUE
UNCAUGHT = {"States.DataLimitExceeded", "States.Runtime"}


class TaskError(Exception):
    def __init__(self, error: str, cause: str | None = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class ExecutionFailed(Exception):
    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class Runner:
    """One execution of a definition.

    `visited` lists state names, `largest` is the largest state seen, in bytes, `children` what those of distributed
    Maps ended with, `events` counts what the history of the execution would hold.
    """

    def __init__(self, definition: dict[str, Any], play: Player, name: str = "run-1") -> None:
        self.definition = definition
        self.play = play
        self.visited: list[str] = []
        self.largest = 0
        self.children: list[Any] = []
        self.events = 2
        self.context: dict[str, Any] = {
            "Execution": {"Name": name, "StartTime": "2026-01-02T03:04:05.678Z", "Input": None}
        }

    def run(self, payload: Any) -> Any:
        self.context["Execution"]["Input"] = payload
        return self._walk(self.definition, payload, {}, self.context)

    def _walk(
        self, machine: dict[str, Any], value: Any, variables: dict[str, Any], context: dict[str, Any]
    ) -> Any:
        name = machine["StartAt"]
        while True:
            state = machine["States"][name]
            self.visited.append(name)
            # Entered and exited.
            self.events += 2
            self._measure(value)
            value, following = self._enter(name, state, value, variables, context)
            self._measure(value)
            if following is None:
                return value
            name = following

    def _measure(self, value: Any) -> None:
        self.largest = max(self.largest, len(json.dumps(value).encode()))

    def _enter(self, name, state, value, variables, context):
        scope = {"input": value, "context": context}
        if state["Type"] == "Fail":
            raise ExecutionFailed(
                self._fill(state["Error"], scope, variables), self._fill(state["Cause"], scope, variables)
            )
        if state["Type"] == "Choice":
            for choice in state["Choices"]:
                if self._fill(choice["Condition"], scope, variables):
                    return value, choice["Next"]
            return value, state["Default"]
        if state["Type"] == "Wait":
            seconds = self._fill(state["Seconds"], scope, variables)
            assert isinstance(seconds, int)
            assert seconds >= 0
        if state["Type"] in ("Task", "Map"):
            try:
                scope["result"] = self._attempt(name, state, value, variables, context)
            except TaskError as error:
                return self._catch(state, error, scope, variables)
        return self._leave(state, scope, variables, value), state.get("Next")

    def _leave(self, state, scope, variables, value):
        output = (
            self._fill(state["Output"], scope, variables) if "Output" in state else scope.get("result", value)
        )
        variables.update(self._fill(state.get("Assign", {}), scope, variables))
        return output

    def _attempt(self, name, state, value, variables, context):
        left = [retrier.get("MaxAttempts", 3) for retrier in state.get("Retry", [])]
        while True:
            try:
                if state["Type"] == "Map":
                    return self._map(state, value, variables, context)
                arguments = self._fill(state["Arguments"], {"input": value, "context": context}, variables)
                limit = self._fill(state["TimeoutSeconds"], {"input": value, "context": context}, variables)
                assert isinstance(limit, int)
                assert 0 < limit < 99_999_999
                self._measure(arguments)
                # Scheduled, started, ended; a task that is waited for is submitted before.
                self.events += 4 if state["Resource"].endswith(".sync") else 3
                return self.play(name, arguments)
            except TaskError as error:
                for index, retrier in enumerate(state.get("Retry", [])):
                    if error.error in retrier["ErrorEquals"] and left[index]:
                        left[index] -= 1
                        break
                else:
                    raise

    def _map(self, state, value, variables, context):
        scope = {"input": value, "context": context}
        distributed = state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
        if distributed:
            items = self.play("ItemReader", self._fill(state["ItemReader"]["Arguments"], scope, variables))
        else:
            items = self._fill(state["Items"], scope, variables)
        assert isinstance(items, list), f"Items must be an array, not {items!r}"
        most = self._fill(state["MaxConcurrency"], scope, variables)
        assert isinstance(most, int)
        assert 1 <= most <= (10_000 if distributed else 40)
        if distributed:
            return self._distribute(state, items, value, variables, context)
        results = []
        for index, item in enumerate(items):
            inner = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
            selector = state.get("ItemSelector", "{% $states.context.Map.Item.Value %}")
            start = self._fill(selector, {"input": value, "context": inner}, variables)
            # The Map's own start and end, and those of its iteration.
            self.events += 2
            results.append(self._walk(state["ItemProcessor"], start, copy.copy(variables), inner))
        return results

    def _distribute(self, state, items, value, variables, context):
        """Children see no variable of the machine; the Map fails if too many of them fail."""
        failed = 0
        for index, item in enumerate(items):
            inner = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
            start = self._fill(state["ItemSelector"], {"input": value, "context": inner}, variables)
            self._measure(start)
            try:
                result = self._walk(state["ItemProcessor"], start, {}, context)
            except ExecutionFailed as error:
                failed += 1
                result = {"Error": error.error, "Cause": error.cause}
            self.children.append(result)
        tolerated = self._fill(
            state["ToleratedFailureCount"], {"input": value, "context": context}, variables
        )
        assert isinstance(tolerated, int)
        if failed > tolerated:
            raise TaskError("States.ExceedToleratedFailureThreshold", f"{failed} children failed")
        where = self._fill(
            state["ResultWriter"]["Arguments"], {"input": value, "context": context}, variables
        )
        self.play("ResultWriter", where)
        return {"MapRunArn": "arn", "ResultWriterDetails": where}

    def _catch(self, state, error, scope, variables):
        for catcher in state.get("Catch", []):
            named = error.error in catcher["ErrorEquals"]
            if named or ("States.ALL" in catcher["ErrorEquals"] and error.error not in UNCAUGHT):
                sentence = {} if error.cause is None else {"Cause": error.cause}
                scope["errorOutput"] = {"Error": error.error, **sentence}
                output = (
                    self._fill(catcher["Output"], scope, variables)
                    if "Output" in catcher
                    else scope["errorOutput"]
                )
                variables.update(self._fill(catcher.get("Assign", {}), scope, variables))
                return output, catcher["Next"]
        raise ExecutionFailed(error.error, error.cause)

    def _fill(self, template: Any, scope: dict[str, Any], variables: dict[str, Any]) -> Any:
        if isinstance(template, dict):
            return {key: self._fill(value, scope, variables) for key, value in template.items()}
        if isinstance(template, list):
            return [self._fill(value, scope, variables) for value in template]
        if isinstance(template, str) and template.startswith("{%"):
            return evaluate(template[2:-2], scope, variables)
        return template


def evaluate(expression: str, scope: dict[str, Any], variables: dict[str, Any]) -> Any:
    """Value of an expression with `$states` and the machine's variables; undefined is an error, as on AWS."""
    bindings = {name: _given(value) for name, value in variables.items()}
    # The library takes None for what is not there; a field that is null is there.
    bindings["states"] = _given(scope)

    def compiled(text: str) -> Any:
        expression = jsonata.Jsonata(text)
        expression.register_lambda("parse", lambda text: json.loads(text))
        return expression

    value = compiled(expression).evaluate(None, bindings)
    if value is None and not compiled(f"$exists(({expression}))").evaluate(None, bindings):
        raise ExecutionFailed("States.QueryEvaluationError", f"undefined: {expression}")
    return _told(value)


def _given(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _given(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_given(inner) for inner in value]
    return NOTHING if value is None else value


def _told(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _told(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_told(inner) for inner in value]
    return None if value is NOTHING else value
