"""CloudFormation: definitions of state machines in YAML, and nested stacks whose templates SAM transforms.

The emulator reads definitions only as JSON, and applies the SAM transform only to the outermost template.
"""

import contextvars
import json
from collections.abc import Callable
from typing import Any

import yaml

_nested: contextvars.ContextVar[bool] = contextvars.ContextVar("nested", default=False)


def _as_json(definition: Callable[[dict[str, Any]], str]) -> Callable[[dict[str, Any]], str]:
    """Wrap the function that returns a resource's definition so that YAML is converted to JSON."""

    def json_definition(properties: dict[str, Any]) -> str:
        text = definition(properties)
        try:
            json.loads(text)
        except ValueError:
            return json.dumps(yaml.safe_load(text))
        return text

    return json_definition


def _transforming(
    parse: Callable[..., dict[str, Any]], transform: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """Wrap the template parser so that templates of nested stacks are transformed."""

    def parse_and_transform(*args: Any, **kwargs: Any) -> dict[str, Any]:
        template = parse(*args, **kwargs)
        return transform(template) if _nested.get() else template

    return parse_and_transform


def _within_nested_stack(provision: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function that makes a nested stack so that its template is marked as nested."""

    def provision_nested(*args: Any, **kwargs: Any) -> Any:
        token = _nested.set(True)
        try:
            return provision(*args, **kwargs)
        finally:
            _nested.reset(token)

    return provision_nested


def apply() -> None:
    """Patch the emulator in this process."""
    from ministack.services.cloudformation import engine, provisioners

    provisioners._sfn_definition = _as_json(provisioners._sfn_definition)
    engine._parse_template = _transforming(engine._parse_template, engine._apply_transforms)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    for action in ("create", "update"):
        if action in handlers:
            handlers[action] = _within_nested_stack(handlers[action])
