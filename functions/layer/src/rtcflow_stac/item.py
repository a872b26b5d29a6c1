"""The STAC item of a burst product."""

from typing import Any

from pystac import Item

from rtcflow_contract.errors import RefusedError
from rtcflow_contract.manifest import Manifest
from rtcflow_stac.assets import product_assets, static_assets
from rtcflow_stac.context import ItemContext
from rtcflow_stac.extensions import item_extensions
from rtcflow_stac.links import item_links
from rtcflow_stac.properties import conforms, item_properties


def build_item(manifest: Manifest, context: ItemContext) -> dict[str, Any]:
    """The item as a JSON object.

    Grid fields are those of the written COGs, from the manifest; the geometry is the footprint of valid data.

    Raises
    ------
    RefusedError
        When the linked static product is on another grid.
    """
    if context.static is not None and context.static.manifest.grid != manifest.grid:
        raise RefusedError(
            f"static layers of {manifest.burst_id} at {context.static.folder} are on another grid than the "
            "backscatter; make both again with the same resolution and CRS",
            reason="static-grid",
        )
    item = Item(
        id=manifest.item_id or manifest.product_id,
        geometry=manifest.footprint,
        bbox=list(manifest.bbox),
        datetime=manifest.acquisition.start,
        properties=item_properties(manifest, context),
        stac_extensions=item_extensions(context.names_storage, conforms(manifest, context)),
        collection=manifest.collection,
    )
    own, linked = product_assets(manifest, context), static_assets(context)
    for key in [*sorted(own), *sorted(linked.keys() - own.keys())]:
        item.add_asset(key, own[key] if key in own else linked[key])
    found = item.to_dict(include_self_link=False, transform_hrefs=False)
    # pystac would resolve root and parent as objects, so these links are added as JSON.
    found["links"] = [link.to_dict(transform_href=False) for link in item_links(manifest, context)]
    return found
