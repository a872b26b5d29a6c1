"""The state machines as the templates deploy them, with their substitutions filled in."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "statemachine" / "scene.asl.yaml"
CAMPAIGN_FILE = ROOT / "statemachine" / "campaign.asl.yaml"
PROVIDERS = {"SpotCapacityProvider": "FARGATE_SPOT", "OnDemandCapacityProvider": "FARGATE"}


def definition() -> dict[str, Any]:
    return _filled_in(FILE)


def campaign() -> dict[str, Any]:
    return _filled_in(CAMPAIGN_FILE)


def _filled_in(file: Path) -> dict[str, Any]:
    text = re.sub(r"\$\{(\w+)\}", lambda found: PROVIDERS.get(found[1], found[1]), file.read_text())
    return yaml.safe_load(text)
