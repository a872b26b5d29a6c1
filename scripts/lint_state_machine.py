"""Lint the state machines of the templates: schema, graph, habits, arguments, expressions, substitutions."""

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from asl_lint.arguments import check_arguments
from asl_lint.expressions import check_expressions
from asl_lint.graph import check_graph
from asl_lint.habits import check_habits
from asl_lint.schema import check_schema
from asl_lint.states import Json, Problem
from asl_lint.substitutions import check_substitutions
from cfnlint.decode import decode

ROOT = Path(__file__).resolve().parents[1]
CHECKS = (check_schema, check_graph, check_habits, check_arguments, check_expressions)


def machines(template: Path) -> Iterator[tuple[Path, Json]]:
    """Definition file and substitutions of every state machine of a template."""
    decoded, _ = decode(str(template))
    for resource in (decoded or {}).get("Resources", {}).values():
        if resource.get("Type") == "AWS::Serverless::StateMachine":
            properties = resource["Properties"]
            yield (
                (template.parent / properties["DefinitionUri"]).resolve(),
                properties.get("DefinitionSubstitutions", {}),
            )


def lint(path: Path, substitutions: Json) -> list[Problem]:
    """All problems of a definition file."""
    text = path.read_text()
    machine = yaml.safe_load(text)
    problems = [problem for check in CHECKS for problem in check(machine)]
    return problems + check_substitutions(text, substitutions)


def main() -> int:
    """Print every problem; 1 when there is one."""
    found = False
    templates = [ROOT / "template.yaml", *sorted((ROOT / "stacks").glob("*.yaml"))]
    for path, substitutions in (machine for template in templates for machine in machines(template)):
        problems = lint(path, substitutions)
        found = found or bool(problems)
        for problem in problems:
            print(f"{path.relative_to(ROOT)}: {problem}")
        print(f"{path.relative_to(ROOT)}: {len(problems) or 'no'} problem{'s' if len(problems) != 1 else ''}")
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
