"""Names of scene executions. Step Functions starts a name only once, so equal work gets an equal name.

A name is made from the validated payload, so spelling and sender do not matter. Fields with their default value do not
count, so that a field added in a later release changes no name. Names have at most 80 letters, digits, '-' and '_'.
Step Functions remembers them for 90 days after an execution ended.
"""

import hashlib
import json
import re

from rtcflow_contract.layers import Product
from rtcflow_contract.request import SceneRequest
from rtcflow_contract.scene_id import SceneId, parse_scene_id

_LONGEST = 80
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
# Fields that affect how a scene is computed, not the result.
_HOW = {"compute", "max_concurrency", "bursts_per_task"}
# The scene is part of the name already.
_NAMED = {"scene"}


def settings_digest(request: SceneRequest, burst_list: str = "") -> str:
    """Ten characters that are equal for requests that make the same products of a scene.

    Parameters
    ----------
    request : SceneRequest
    burst_list : str
        URI of a burst list that is read later, used in place of `burst_id_list`.
    """
    fields = request.model_dump(mode="json", exclude_defaults=True, exclude=_HOW | _NAMED)
    if not request.link_static_layers:
        fields = {name: value for name, value in fields.items() if not name.startswith("linked_static_")}
    if request.burst_id_list is not None:
        fields["burst_id_list"] = sorted(set(request.burst_id_list))
    if burst_list:
        fields["burst_id_list"] = burst_list
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:10]


def found_scene_name(scene: SceneId, product: Product, digest: str, version: str) -> str:
    """Name for a scene that was found for an area: `S1A-20220101T124744-s1-5f0c2a91b3-v0-1`.

    Areas with equal settings, and other processings of the same acquisition, give the same name.
    """
    return _clean(f"{_start(scene)}-{_kind(product)}-{digest}-{_version(version)}")


def revised_scene_name(scene: SceneId, product: Product, digest: str, version: str) -> str:
    """Name for a later processing of an acquisition: `S1A-20220101T124744-s1-5f0c2a91b3-v0-1-1DAD`."""
    return _clean(f"{found_scene_name(scene, product, digest, version)}-{scene.id[-4:]}")


def campaign_scene_name(request: SceneRequest, version: str, burst_list: str = "") -> str:
    """Name for a scene of a campaign, without the attempt number: `S1A-20220101T124744-1DAD-s1-5f0c2a91b3-v0-1`.

    Equal requests give equal names in every campaign; capacity and concurrency do not count.
    """
    scene = parse_scene_id(request.scene)
    digest = settings_digest(request, burst_list)
    return _clean(f"{_start(scene)}-{scene.id[-4:]}-{_kind(request.product)}-{digest}-{_version(version)}")


def attempt_name(name: str, attempt: int) -> str:
    """Name of an attempt, counted from 1."""
    return f"{name}-{attempt}"


def _kind(product: Product) -> str:
    return "static" if product is Product.RTC_S1_STATIC else "s1"


def _start(scene: SceneId) -> str:
    return f"{scene.platform}-{scene.start:%Y%m%dT%H%M%S}"


def _version(version: str) -> str:
    return f"v{version.replace('.', '-')}"


def _clean(name: str) -> str:
    # Room for the attempt number.
    return _OTHER.sub("-", name)[: _LONGEST - 4]
