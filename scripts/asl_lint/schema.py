"""The definition against cfn-lint's schema of the language (rule E3601)."""

import json
import re

from cfnlint.api import lint
from cfnlint.config import ManualArgs

from asl_lint.states import Json, Problem

# The language takes an expression where the schema knows only a number.
_EXPRESSION_FOR_NUMBER = re.compile(
    r'("(?:MaxConcurrency|ToleratedFailureCount|TimeoutSeconds)": )"\{%.*?%\}"'
)


def check_schema(machine: Json) -> list[Problem]:
    """Hold the definition against the schema, in a template made for it."""
    text = re.sub(r"\$\{\w+\}", "substituted", json.dumps(machine))
    text = _EXPRESSION_FOR_NUMBER.sub(r"\g<1>1", text)
    template = {
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": "arn:aws:iam::123456789012:role/x",
                    "Definition": json.loads(text),
                },
            }
        }
    }
    matches = lint(json.dumps(template), config=ManualArgs(regions=["us-west-2"]))
    return [
        Problem("schema", f"{match.rule.id} {match.message} ({'/'.join(str(p) for p in match.path or [])})")
        for match in matches
    ]
