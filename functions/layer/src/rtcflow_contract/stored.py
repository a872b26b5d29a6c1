"""Read stored files: writers are strict, readers are forgiving.

Models forbid unknown fields, so that a writer cannot misspell one. A reader ignores unknown fields, which a later
release may have added, and fills in defaults for those that an earlier release lacked. `version` changes only when an
older reader would misunderstand the rest; a file without it has version 1.
"""

import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.model import describe

_Model = TypeVar("_Model", bound=BaseModel)


class UnreadableError(RefusedError):
    """A stored file that is empty, cut off or of another form."""


class NewerFormatError(UnreadableError):
    """A stored file whose format is newer than this release; it must not be overwritten."""


def read_stored(model: type[_Model], data: bytes | str, where: object) -> _Model:
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
        When it is empty, cut off or does not fit the model; NewerFormatError when a later release wrote it.
    """
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", model.__name__).lower()
    if not data.strip():
        raise UnreadableError(f"{where} is empty, so it is not {_article(name)}", reason="unreadable")
    try:
        found = from_json(data)
    except ValueError as error:
        raise UnreadableError(f"{where} is cut off or not JSON ({error})", reason="unreadable") from error
    _check_version(model, found, where, name)
    try:
        return model.model_validate(found, extra="ignore")
    except ValidationError as error:
        raise UnreadableError(
            f"{where} is not {_article(name)} ({describe(error)})", reason="unreadable"
        ) from error


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _check_version(model: type[BaseModel], found: Any, where: object, name: str) -> None:
    field = model.model_fields.get("version")
    known = field.default if field else 1
    version = found.get("version", 1) if isinstance(found, dict) else 1
    if isinstance(version, int) and isinstance(known, int) and version > known:
        raise NewerFormatError(
            f"{where} is {_article(name)} of format {version} and this release reads up to {known}; upgrade rtcflow",
            reason="newer-format",
        )
