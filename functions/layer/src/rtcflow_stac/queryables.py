"""Queryables: the search fields of a STAC API, for pgstac and stac-fastapi."""

from typing import Any

from rtcflow_stac.fields import SEARCH_FIELDS

_TYPES = {"string": "string", "integer": "integer", "double": "number"}


def queryables() -> dict[str, Any]:
    """JSON Schema of the properties for `pypgstac load_queryables`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/rtcflow/queryables",
        "type": "object",
        "title": "Queryables of rtcflow's collections",
        "properties": {
            field.property: {
                "title": field.name.replace("_", " ").capitalize(),
                "description": field.description,
                "type": _TYPES[field.kind],
            }
            for field in SEARCH_FIELDS
        },
        "additionalProperties": True,
    }
