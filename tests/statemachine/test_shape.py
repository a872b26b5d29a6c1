"""The machines order states and decide nothing: they are short, and repeat nothing."""

import json
import re

from asl_lint.states import states

from tests.support.definition import CAMPAIGN_FILE, FILE, campaign, definition

FILES = (FILE, CAMPAIGN_FILE)
STATES = [state for machine in (definition(), campaign()) for state in states(machine)]


def twice(values):
    texts = [json.dumps(value, sort_keys=True) for value in values]
    return [text for text in set(texts) if texts.count(text) > 1]


def test_both_machines_are_short():
    lines = [line for file in FILES for line in file.read_text().splitlines()]
    assert len(lines) < 400
    assert max(map(len, lines)) <= 110


def test_expressions_are_short():
    expressions = [found for file in FILES for found in re.findall(r"\{%.*?%\}", file.read_text(), re.DOTALL)]
    assert max(map(len, expressions)) <= 80


def test_no_state_occurs_twice():
    assert twice(state for _, state in STATES) == []


def test_no_retry_and_no_catch_occurs_twice():
    for field in ("Retry", "Catch"):
        assert twice(state[field] for _, state in STATES if field in state) == []


def test_one_decision_alone_retries_tasks():
    (run,) = (state for name, state in STATES if name == "RunTask")
    assert "Retry" not in run
