"""Campaign lists: from text to scene payloads that are checked, named and there once."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rtcflow_contract.campaign import Item
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.execution_name import campaign_scene_name
from rtcflow_contract.request import burst_list_file, parse_request

_MOST_TOLD = 5
_BOOLEANS = {"true": True, "false": False}


class Items(NamedTuple):
    """Scenes of a list in its order; `repeated` counts lines that name a scene once more."""

    items: list[Item]
    repeated: int


def parse_list(text: str, file: str) -> Iterator[tuple[int, Any]]:
    """Line numbers and payloads of a list; a payload that cannot be read is given as its text.

    Parameters
    ----------
    text : str
        JSONL, or CSV where `file` ends in `.csv`. Empty cells of a CSV are left out.
    file : str
    """
    if file.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text))
        for row in reader:
            yield reader.line_num, {field: _cell(value) for field, value in row.items() if value}
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, line


def make_items(lines: Iterable[tuple[int, Any]], file: str, default_bucket: str, version: str) -> Items:
    """Check every payload of a list and name it.

    Parameters
    ----------
    lines : iterable of (int, payload)
        As `parse_list` gives them.
    file : str
        For refusals.
    default_bucket, version : str
        Products bucket and product version of the stack.

    Raises
    ------
    RefusedError
        Names the lines that cannot work, and why.
    """
    items: dict[str, Item] = {}
    wrong: list[str] = []
    repeated = 0
    for number, payload in lines:
        try:
            _check(payload, default_bucket)
            item = Item(name=campaign_scene_name(payload, version), payload=payload)
        except RefusedError as error:
            wrong.append(f"line {number}: {error.message}")
            continue
        repeated += item.name in items
        items.setdefault(item.name, item)
    if wrong:
        more = f"; and {len(wrong) - _MOST_TOLD} more lines" if len(wrong) > _MOST_TOLD else ""
        raise RefusedError(f"list {file}: {'; '.join(wrong[:_MOST_TOLD])}{more}", reason="campaign-list")
    return Items(list(items.values()), repeated)


def write_items(items: Iterable[Item]) -> str:
    """JSONL of items, as a Distributed Map reads it."""
    return "".join(f"{item.model_dump_json()}\n" for item in items)


def read_items(text: str) -> list[Item]:
    """Items of such a JSONL."""
    return [Item.model_validate_json(line) for line in text.splitlines() if line.strip()]


def write_payloads(payloads: Iterable[dict[str, Any]]) -> str:
    """A campaign list in JSONL."""
    return "".join(f"{json.dumps(payload)}\n" for payload in payloads)


def _cell(value: Any) -> Any:
    # More cells than the header has: csv gives them as a list, which no field takes.
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def _check(payload: Any, default_bucket: str) -> None:
    # A burst list on S3 is read by PlanScene.
    on_s3 = isinstance(payload, dict) and burst_list_file(payload.get("burst_id_list"))
    parse_request({**payload, "burst_id_list": None} if on_s3 else payload, default_bucket)
