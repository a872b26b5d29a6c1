"""The scene state machine as the template deploys it, with its substitutions filled in."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "statemachine" / "scene.asl.yaml"
PROVIDERS = {"SpotCapacityProvider": "FARGATE_SPOT", "OnDemandCapacityProvider": "FARGATE"}


def definition() -> dict[str, Any]:
    text = re.sub(r"\$\{(\w+)\}", lambda found: PROVIDERS.get(found[1], found[1]), FILE.read_text())
    return yaml.safe_load(text)
