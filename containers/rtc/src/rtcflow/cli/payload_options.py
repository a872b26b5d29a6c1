"""Command options for all fields of a scene request, generated from the model."""

import inspect
import json
import types
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.payload_fields import burst_list_file, parse_burst_list_text
from rtcflow_contract.request import SceneRequest, parse_request

# Placeholder for the stack's bucket, which PlanScene fills in.
_ANY_BUCKET = "the-products-bucket-of-the-stack"
# Step Functions' limit for the input of an execution.
_MOST_BYTES = 256 * 1024


def payload_parameters() -> list[inspect.Parameter]:
    """A keyword parameter for each field, annotated for typer; None means not given."""
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_option_type(field) | None, typer.Option(help=_help(field))],
        )
        for name, field in SceneRequest.model_fields.items()
    ]


def _option_type(field: FieldInfo) -> Any:
    """Keep bool, int and enum; everything else is text that the model parses."""
    kind = field.annotation
    if isinstance(kind, type) and (kind in (bool, int) or issubclass(kind, StrEnum)):
        return kind
    if get_origin(kind) in (Union, types.UnionType) and set(get_args(kind)) == {int, type(None)}:
        return int
    return str


def _help(field: FieldInfo) -> str:
    text = " ".join((field.description or "").replace("`", "").split())
    known = field.default is not PydanticUndefined and field.default is not None
    default = field.default.value if isinstance(field.default, StrEnum) else field.default
    if not known or default is False:
        return text
    # Rich reads square brackets as markup.
    return f"{text} Default: {default}."


def make_payload(given: Mapping[str, Any], file: Path | None) -> dict[str, Any]:
    """Build the execution's input: a file's payload, overridden by options, with a local burst list read in.

    Parameters
    ----------
    given : mapping
        Options by field; None means not given.
    file : Path or None
        JSON file with a payload.

    Raises
    ------
    RefusedError
        When a file cannot be read, or the payload is wrong; names every wrong field.
    """
    payload = read_payload_file(file) if file else {}
    payload |= {
        name: value.value if isinstance(value, StrEnum) else value
        for name, value in given.items()
        if value is not None
    }
    bursts = burst_list_file(payload.get("burst_id_list"))
    if bursts and not bursts.startswith("s3://"):
        payload["burst_id_list"] = parse_burst_list_text(_text(Path(bursts), "burst list"))
    # PlanScene reads a list on S3; everything else is checked here, before anything starts.
    checked = {key: value for key, value in payload.items() if key != "burst_id_list" or not _on_s3(value)}
    parse_request(checked, _ANY_BUCKET)
    return payload


def _on_s3(value: Any) -> bool:
    return (burst_list_file(value) or "").startswith("s3://")


def read_payload_file(file: Path) -> dict[str, Any]:
    """A payload from a file; raises RefusedError where it is none."""
    text = _text(file, "payload")
    size = len(text.encode())
    if size > _MOST_BYTES:
        raise RefusedError(
            f"payload {file} has {size:,} bytes, and an execution takes at most {_MOST_BYTES:,}; list the bursts in a "
            "file, and give that as burst_id_list",
            reason="payload",
        )
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"payload {file} is not JSON: {error}", reason="payload") from error
    if not isinstance(payload, dict):
        raise RefusedError(f"payload {file} must hold a JSON object with at least 'scene'", reason="payload")
    return payload


def _text(file: Path, what: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise RefusedError(
            f"{what} {file} cannot be read ({why}); give another path or correct the file", reason="file"
        ) from error
