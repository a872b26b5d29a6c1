"""Names of scene executions: Step Functions starts a name once, so equal work gets an equal name.

Names have letters, digits, '-' and '_' alone, 80 at most; Step Functions keeps them for 90 days after an execution
ended.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from rtcflow_contract.layers import Product
from rtcflow_contract.scene_id import SceneId, parse_scene_id

LONGEST = 80
_OTHER = re.compile(r"[^A-Za-z0-9_-]")
# Fields that say how a scene is computed, not what is made of it.
_HOW = frozenset({"compute", "max_concurrency"})


def found_scene_name(scene: SceneId, area: str, version: str) -> str:
    """Name for a scene of an area: `S1A-20220101T124744-antarctica-v0-1`.

    Another processing of the same acquisition gets the same name.
    """
    return _clean(f"{_start(scene)}-{area}-{_version(version)}")


def revised_scene_name(scene: SceneId, area: str, version: str) -> str:
    """Name for a later processing of an acquisition: `S1A-20220101T124744-antarctica-v0-1-1DAD`."""
    return _clean(f"{found_scene_name(scene, area, version)}-{scene.id[-4:]}")


def campaign_scene_name(payload: Mapping[str, Any], version: str) -> str:
    """Name for a scene of a campaign without the number of the attempt: `S1A-20220101T124744-1DAD-S1-5f0c2a91b3-v0-1`.

    Equal payloads give equal names, whatever the campaign; capacity and concurrency do not count.
    """
    scene = parse_scene_id(str(payload["scene"]))
    what = {field: value for field, value in payload.items() if field not in _HOW and value is not None}
    text = json.dumps({**what, "scene": scene.id}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:10]
    kind = "static" if payload.get("product") == Product.RTC_S1_STATIC else "s1"
    return _clean(f"{_start(scene)}-{scene.id[-4:]}-{kind}-{digest}-{_version(version)}")


def attempt_name(name: str, attempt: int) -> str:
    """Name of an attempt, counted from 1."""
    return f"{name}-{attempt}"


def _start(scene: SceneId) -> str:
    return f"{scene.platform}-{scene.start:%Y%m%dT%H%M%S}"


def _version(version: str) -> str:
    return f"v{version.replace('.', '-')}"


def _clean(name: str) -> str:
    # Room for the number of an attempt.
    return _OTHER.sub("-", name)[: LONGEST - 4]
