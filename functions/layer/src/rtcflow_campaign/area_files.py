"""Areas of interest in the work bucket."""

from typing import Any, NamedTuple

from rtcflow_archives.area import Area, parse_areas
from rtcflow_campaign.destinations import conflicts_of_areas
from rtcflow_contract.errors import RefusedError, RtcflowError
from rtcflow_contract.keys import AREAS, Location
from rtcflow_files import storage


class AreaFiles(NamedTuple):
    """Areas to search, and a sentence for each file or area that is not usable."""

    areas: list[Area]
    refusals: list[str]


def read_areas(work_bucket: str, products_bucket: str, client: Any = None) -> AreaFiles:
    """Read every `.geojson` and `.json` below `areas/`, without areas that are switched off.

    Areas that could write different products to the same place are refused.
    """
    folder = Location(work_bucket, AREAS)
    areas: dict[str, Area] = {}
    refusals: list[str] = []
    for entry in sorted(storage.list_objects(folder, client), key=lambda entry: entry.name):
        if not entry.name.endswith((".geojson", ".json")):
            continue
        try:
            text = storage.read_bytes(folder.join(entry.name), client).decode("utf-8-sig", errors="replace")
            for area in parse_areas(text, entry.name):
                if area.name in areas:
                    raise RefusedError(
                        f"area {entry.name} is named {area.name} like another; give it a name", reason="area"
                    )
                areas[area.name] = area
        except RtcflowError as error:
            refusals.append(error.message)
    enabled = [area for area in areas.values() if area.enabled]
    conflicts = conflicts_of_areas(enabled, products_bucket)
    return AreaFiles(
        [area for area in enabled if area.name not in conflicts],
        [*refusals, *dict.fromkeys(conflicts.values())],
    )
