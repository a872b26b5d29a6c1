"""The base of models that are stored, and their errors in words.

Models are immutable and have no unknown fields, so that no field can be misspelled.
"""

from pydantic import BaseModel, ConfigDict, ValidationError


class FrozenModel(BaseModel):
    """An immutable model that refuses unknown fields; `read_stored` ignores these when it reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def describe(error: ValidationError) -> str:
    """Describe every wrong field with its reason, in one line."""
    return "; ".join(
        f"{'.'.join(map(_printed, problem['loc'])) or 'payload'}: "
        f"{_escaped(problem['msg'].removeprefix('Value error, '))}"
        for problem in error.errors()
    )


def _printed(part: int | str) -> str:
    """A name for a one-line message: control characters and line breaks are escaped."""
    text = str(part)
    return text if text.isprintable() else repr(text)


def _escaped(text: str) -> str:
    """A text with its control characters and line breaks escaped."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
