"""Fields of a payload: how their values are spelled and checked, here and where a command takes the same values."""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from rtcflow_contract.burst_id import BurstId
from rtcflow_contract.errors import RefusedError

_BUCKET = re.compile(r"^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
_FOLDER = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.=-]*(/[A-Za-z0-9_][A-Za-z0-9_.=-]*)*$")
_ORBIT_URI = re.compile(r"^(s3|https?)://[^\s,]+$")
_POLARIZATION_NAMES = ("VV", "VH", "HH", "HV")
_SAFE_URI = re.compile(r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S+\.(SAFE|zip)/?$")


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            f"'{text}' is not a bucket name; 3 to 63 lower-case letters, digits, dots and hyphens"
        )
    return text


def _folder(text: str) -> str:
    text = text.strip("/")
    if text and (not _FOLDER.fullmatch(text) or ".." in PurePosixPath(text).parts):
        raise ValueError(
            f"'{text}' is not a folder; use letters, digits, '_', '-', '.', '=' and single slashes"
        )
    return text


def _name(text: str) -> str:
    if not _FOLDER.fullmatch(text) or "/" in text:
        raise ValueError(f"'{text}' is not a collection name; use letters, digits, '_', '-' and '.'")
    return text


def _listed(value: Any) -> Any:
    """Keep a list; split a text at spaces and commas."""
    return [part for part in re.split("[ ,]+", value) if part] if isinstance(value, str) else value


def _orbit_source(text: str) -> str:
    if text in ("asf", "cdse") or _ORBIT_URI.fullmatch(text):
        return text
    raise ValueError(f"'{text}' is not a source of orbits; use asf, cdse, or an s3:// or https:// prefix")


def polarization_choice(value: Any) -> Any:
    """`all`, `co`, `cross`, or names in any spelling of a list: `VV+VH`, `VV,VH`, `["VV", "VH"]`."""
    parts = re.split(r"[\s,+]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("write polarizations as all, co, cross, or names like VV or VV+VH")
    words = [part.lower() for part in parts]
    if len(words) == 1 and words[0] in ("all", "co", "cross"):
        return words[0]
    names = [word.upper() for word in words]
    if not names or not set(names) <= set(_POLARIZATION_NAMES):
        raise ValueError(
            f"'{'+'.join(parts)}' is not a polarization; use all, co, cross, or names like VV or VV+VH"
        )
    return "+".join(name for name in _POLARIZATION_NAMES if name in names)


def _days(value: Any) -> Any:
    """`25d`, `"25"` or 25: days."""
    if isinstance(value, str):
        text = value.strip().lower().removesuffix("d")
        if not text.isdigit():
            raise ValueError(f"'{value}' is not a number of days; write it like 25d")
        return int(text)
    return value


def _scene_source(text: str) -> str:
    if text in ("asf", "cdse") or _SAFE_URI.fullmatch(text):
        return text
    raise ValueError(
        f"'{text}' is not a scene source; use asf, cdse or s3://bucket/.../<scene>.SAFE (or .zip)"
    )


def _split(value: Any) -> Any:
    """Keep a list; split a string at white space and commas; nothing gives None."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if value.strip().endswith(".txt"):
            raise ValueError(
                f"'{value}' names a file; it is read before validation, where files can be reached"
            )
        return [part for part in re.split(r"[\s,]+", value) if part]
    return value


def _crs(value: Any) -> Any:
    """`3031`, `"3031"`, `"EPSG:3031"`; empty means the burst's default."""
    if isinstance(value, str):
        text = value.strip().upper().removeprefix("EPSG:")
        if text == "":
            return None
        if not text.isdigit():
            raise ValueError(f"'{value}' is not an EPSG code; write it like 3031")
        return int(text)
    return value


def _per_task(value: Any) -> Any:
    """Read a number or its text; keep `auto` and `scene`."""
    if isinstance(value, str) and value.strip().isdigit():
        return int(value)
    if isinstance(value, str) and value.strip() not in ("auto", "scene"):
        raise ValueError(f"'{value}' is not a number of bursts; give 1 to 60, scene or auto")
    return value.strip() if isinstance(value, str) else value


BucketName = Annotated[str, AfterValidator(_bucket)]
Folder = Annotated[str, AfterValidator(_folder)]
CollectionName = Annotated[str, AfterValidator(_name)]
BurstList = Annotated[tuple[BurstId, ...] | None, BeforeValidator(_split)]
Epsg = Annotated[Annotated[int, Field(ge=1024, lt=1_000_000)] | None, BeforeValidator(_crs)]

BurstsPerTask = Annotated[
    Literal["auto", "scene"] | Annotated[int, Field(ge=1, le=60)], BeforeValidator(_per_task)
]

SceneSources = Annotated[
    tuple[Annotated[str, AfterValidator(_scene_source)], ...], BeforeValidator(_listed), Field(min_length=1)
]
OrbitSources = Annotated[
    tuple[Annotated[str, AfterValidator(_orbit_source)], ...], BeforeValidator(_listed), Field(min_length=1)
]
PolarizationChoice = Annotated[str, BeforeValidator(polarization_choice)]
Days = Annotated[Annotated[int, Field(ge=0, le=365)] | None, BeforeValidator(_days)]
_EPSG: TypeAdapter[int | None] = TypeAdapter(Epsg)


def parse_crs(text: str | None) -> int | None:
    """EPSG code of `3031` or `EPSG:3031`; None for an empty text.

    Raises
    ------
    RefusedError
        When it is not a code.
    """
    try:
        return _EPSG.validate_python(text)
    except ValidationError as error:
        raise RefusedError(
            f"output_crs {text} is not an EPSG code; write it like 3031", reason="crs"
        ) from error


def burst_list_file(value: Any) -> str | None:
    """The `.txt` that a `burst_id_list` names (an `s3://` URI or a local path); None if it is a list."""
    if isinstance(value, str) and value.strip().endswith(".txt"):
        return value.strip()
    return None


def parse_burst_list_text(text: str) -> list[str]:
    """Burst ids of a text with one id a line; blank lines and `#` comments are passed over."""
    lines = (line.split("#", 1)[0].strip() for line in text.splitlines())
    return [line for line in lines if line]
