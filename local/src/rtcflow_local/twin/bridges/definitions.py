"""A state machine's definition may be YAML in S3, as CloudFormation takes it; the emulator reads JSON only."""

import json
from collections.abc import Callable
from typing import Any

import yaml


def as_json(definition: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """Wrap the function that gives a resource's definition so that YAML comes out as JSON."""

    def json_definition(properties: dict[str, Any]) -> str:
        text = definition(properties)
        try:
            json.loads(text)
        except ValueError:
            return json.dumps(yaml.safe_load(text))
        return text

    return json_definition


def apply() -> None:
    """Mend the emulator in this process."""
    from ministack.services.cloudformation import provisioners

    provisioners._sfn_definition = as_json(provisioners._sfn_definition)
