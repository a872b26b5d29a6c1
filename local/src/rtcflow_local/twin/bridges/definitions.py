"""State machine definitions as YAML in S3, which CloudFormation accepts; the emulator reads only JSON."""

import json
from collections.abc import Callable
from typing import Any

import yaml


def as_json(definition: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """Wrap the function that returns a resource's definition so that YAML is converted to JSON."""

    def json_definition(properties: dict[str, Any]) -> str:
        text = definition(properties)
        try:
            json.loads(text)
        except ValueError:
            return json.dumps(yaml.safe_load(text))
        return text

    return json_definition


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services.cloudformation import provisioners

    provisioners._sfn_definition = as_json(provisioners._sfn_definition)
