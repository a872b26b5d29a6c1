"""Reading what was stored: strict writers, forgiving readers.

Models forbid unknown fields, so that a writer cannot misspell one. A reader ignores fields that it does not know, which
a later release may have added, and gives defaults to those that an earlier one lacked. `version` changes only when an
older reader would misunderstand the rest; a file without one is of version 1.
"""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.request import describe

Model = TypeVar("Model", bound=BaseModel)


class UnreadableError(RefusedError):
    """A stored file that is empty, cut off or not what it should be; it says nothing about what it stands for."""


class NewerFormatError(UnreadableError):
    """A stored file of a later format than this release knows; it must not be overwritten."""


def read_stored(model: type[Model], data: bytes | str, where: object) -> Model:
    """Read a stored file.

    Parameters
    ----------
    model : type
    data : bytes or str
        JSON.
    where : Location or str
        Where the file is, for people.

    Raises
    ------
    UnreadableError
        When it is empty, cut off or no such model; NewerFormatError when a later release wrote it.
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
    if not data.strip():
        raise UnreadableError(f"{where} is empty, so it is no {name}", reason="unreadable")
    try:
        found = from_json(data)
    except ValueError as error:
        raise UnreadableError(f"{where} is cut off or no JSON ({error})", reason="unreadable") from error
    _check_version(model, found, where, name)
    try:
        return model.model_validate(found, extra="ignore")
    except ValidationError as error:
        raise UnreadableError(f"{where} is no {name} ({describe(error)})", reason="unreadable") from error


def _check_version(model: type[BaseModel], found: Any, where: object, name: str) -> None:
    field = model.model_fields.get("version")
    known = field.default if field else 1
    version = found.get("version", 1) if isinstance(found, dict) else 1
    if isinstance(version, int) and isinstance(known, int) and version > known:
        raise NewerFormatError(
            f"{where} is a {name} of format {version} and this release reads up to {known}; upgrade rtcflow",
            reason="newer-format",
        )
