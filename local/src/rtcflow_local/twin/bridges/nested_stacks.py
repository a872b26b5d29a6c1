"""A nested stack's template may use the SAM transform; the emulator applies that to the outermost template only."""

import contextvars
from collections.abc import Callable
from typing import Any

_nested: contextvars.ContextVar[bool] = contextvars.ContextVar("nested", default=False)


def transforming(
    parse: Callable[..., dict[str, Any]], transform: Callable[..., dict[str, Any]]
) -> Callable[..., dict[str, Any]]:
    """Wrap the parser of templates so that those of nested stacks come out transformed."""

    def parse_and_transform(*args: Any, **kwargs: Any) -> dict[str, Any]:
        template = parse(*args, **kwargs)
        return transform(template) if _nested.get() else template

    return parse_and_transform


def within_nested_stack(provision: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the function that makes a nested stack so that its template is known as nested."""

    def provision_nested(*args: Any, **kwargs: Any) -> Any:
        token = _nested.set(True)
        try:
            return provision(*args, **kwargs)
        finally:
            _nested.reset(token)

    return provision_nested


def apply() -> None:
    """Mend the emulator in this process."""
    from ministack.services.cloudformation import engine, provisioners

    engine._parse_template = transforming(engine._parse_template, engine._apply_transforms)
    handlers = provisioners._RESOURCE_HANDLERS["AWS::CloudFormation::Stack"]
    for action in ("create", "update"):
        if action in handlers:
            handlers[action] = within_nested_stack(handlers[action])
