"""Publish items of the inventory again on the catalogue's topic."""

import json
from typing import Any

from rtcflow_cloud.catalogue_topic import publish
from rtcflow_files.files import Store
from rtcflow_local.inventory.facts import PREFIX, without_facts
from rtcflow_local.inventory.parts import items_of_part, part_names
from rtcflow_local.inventory.static_catalogue import COLLECTIONS
from rtcflow_stac.notice import notice_of


def republish(inventory: Store, hrefs: frozenset[str], topic: str, client: Any = None) -> int:
    """Publish the items at `hrefs`, after every collection of the inventory; returns their number.

    Catalogues replace items that they have, so repeating it does no harm.
    """
    for entry in inventory.entries(COLLECTIONS):
        collection = json.loads(inventory.read(entry.name))
        publish(topic, json.dumps(collection), {"collection": ("String", collection["id"])}, client)
    count = 0
    for part in part_names(inventory):
        for item in items_of_part(inventory, part):
            properties = item["properties"]
            href = properties[f"{PREFIX}item"]
            if href in hrefs:
                notice = notice_of(without_facts(item), href, properties[f"{PREFIX}burst_id"])
                publish(topic, notice.message, notice.attributes, client)
                count += 1
    return count
