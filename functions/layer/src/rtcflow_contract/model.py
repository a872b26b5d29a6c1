"""The base of models that are stored: immutable, and without unknown fields, so that no field can be misspelled."""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """An immutable model that refuses unknown fields; `read_stored` ignores these when it reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")
