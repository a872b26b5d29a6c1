"""Apply the SAM transform to templates of nested stacks; the emulator applies it only to the outermost template."""

import contextvars
from collections.abc import Callable
from typing import Any

_nested: contextvars.ContextVar[bool] = contextvars.ContextVar("nested", default=False)


def transforming(
    parse: Callable[..., dict[str, Any]], transform: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """Wrap the template parser so that templates of nested stacks are transformed."""

    def parse_and_transform(*args: Any, **kwargs: Any) -> dict[str, Any]:
        template = parse(*args, **kwargs)
        return transform(template) if _nested.get() else template

    return parse_and_transform


def within_nested_stack(provision: Callable[..., Any]) -> Callable[..., Any]:
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

    engine._parse_template = transforming(engine._parse_template, engine._apply_transforms)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    for action in ("create", "update"):
        if action in handlers:
            handlers[action] = within_nested_stack(handlers[action])
