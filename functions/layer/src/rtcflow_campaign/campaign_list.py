"""Campaign lists: parse them into scene payloads, check and name these, and drop repeated ones."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rtcflow_campaign.destinations import CollectionTarget, conflict, destinations_of
from rtcflow_contract.campaign import Item
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.execution_name import campaign_scene_name
from rtcflow_contract.layers import Product
from rtcflow_contract.payload_fields import burst_list_file
from rtcflow_contract.request import SceneRequest, parse_request
from rtcflow_contract.stored import read_stored

_MOST_NAMED = 5
_BOOLEANS = {"true": True, "false": False}


class Items(NamedTuple):
    """Scenes of a list in order; `repeated` counts lines that name a scene again.

    `wrong` has a sentence for each line that cannot work and was left out.
    """

    items: list[Item]
    repeated: int
    wrong: tuple[str, ...] = ()

    def refuse_wrong(self, file: str) -> "Items":
        """Return the list if every line can work.

        Raises
        ------
        RefusedError
            Names the lines that cannot work, with reasons.
        """
        if self.wrong:
            most = _MOST_NAMED
            more = f"; and {len(self.wrong) - most} more lines" if len(self.wrong) > most else ""
            raise RefusedError(f"list {file}: {'; '.join(self.wrong[:most])}{more}", reason="campaign-list")
        return self


def parse_list(text: str, file: str) -> Iterator[tuple[int, Any]]:
    """Parse a list into line numbers and payloads; an unreadable payload is returned as text.

    Parameters
    ----------
    text : str
        JSONL, or CSV if `file` ends in `.csv`; empty cells of a CSV are ignored.
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
            except (ValueError, RecursionError):
                yield number, line


def make_items(lines: Iterable[tuple[int, Any]], default_bucket: str, version: str) -> Items:
    """Check every payload of a list and name it.

    Lines that cannot work are left out with the reason, including those that would write a different product to the
    place of an earlier line.

    Parameters
    ----------
    lines : iterable of (int, payload)
        From `parse_list`.
    default_bucket, version : str
        Products bucket and product version of the stack.
    """
    items: dict[str, Item] = {}
    places: dict[_Place, tuple[int, SceneRequest]] = {}
    wrong: list[str] = []
    repeated = 0
    for number, payload in lines:
        try:
            request, file_of_bursts = _request(payload, default_bucket)
            _refuse_conflict(number, request, places)
            # Fewer tasks are cheaper.
            payload = {"bursts_per_task": "scene", **payload}
            item = Item(name=campaign_scene_name(request, version, file_of_bursts), payload=payload)
        except RefusedError as error:
            wrong.append(f"line {number}: {error.message}")
            continue
        repeated += item.name in items
        items.setdefault(item.name, item)
    return Items(list(items.values()), repeated, tuple(wrong))


def write_items(items: Iterable[Item]) -> str:
    """JSONL of items for a Distributed Map."""
    return "".join(f"{item.model_dump_json()}\n" for item in items)


def read_items(text: str) -> list[Item]:
    """Read the items of a JSONL."""
    return [read_stored(Item, line, "an item of the campaign") for line in text.splitlines() if line.strip()]


def write_payloads(payloads: Iterable[dict[str, Any]]) -> str:
    """A campaign list in JSONL."""
    return "".join(f"{json.dumps(payload)}\n" for payload in payloads)


def _cell(value: Any) -> Any:
    # More cells than header fields: csv returns them as a list, which no field accepts.
    return _BOOLEANS.get(value.lower(), value) if isinstance(value, str) else value


def _request(payload: Any, default_bucket: str) -> tuple[SceneRequest, str]:
    """The request of a line, and the URI of a burst list on S3, which PlanScene reads later; empty without one."""
    file = burst_list_file(payload.get("burst_id_list")) if isinstance(payload, dict) else None
    return parse_request({**payload, "burst_id_list": None} if file else payload, default_bucket), file or ""


class _Place(NamedTuple):
    """Detects lines that write the same product: static layers by burst, others by acquisition."""

    destination: CollectionTarget
    key: str


def _refuse_conflict(
    number: int, request: SceneRequest, places: dict[_Place, tuple[int, SceneRequest]]
) -> None:
    for destination in destinations_of(request):
        bursts = request.burst_id_list if destination.product is Product.RTC_S1_STATIC else None
        for key in bursts or (request.scene[:-5],):
            first, before = places.setdefault(_Place(destination, key), (number, request))
            difference = conflict(before, request) if first != number else ""
            if difference:
                raise RefusedError(
                    f"writes {difference} unlike line {first}; give one of them another collection",
                    reason="other-settings",
                )
