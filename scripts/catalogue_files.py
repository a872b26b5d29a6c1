"""Write what catalogues need to know of our collections: docs/odc (Open Data Cube) and docs/stac (queryables)."""

import json
from pathlib import Path

import yaml

from rtcflow_stac.odc import METADATA_TYPE, all_definitions, metadata_type
from rtcflow_stac.queryables import queryables

DOCS = Path(__file__).resolve().parents[1] / "docs"


def texts() -> dict[str, str]:
    """Text of every file, by its path below docs/."""
    found = {f"odc/{METADATA_TYPE}.odc-type.yaml": _yaml(metadata_type())}
    for definition in all_definitions():
        found[f"odc/{definition['name']}.odc-product.yaml"] = _yaml(definition)
    found["stac/queryables.json"] = json.dumps(queryables(), indent=2) + "\n"
    return found


def _yaml(value: object) -> str:
    return yaml.safe_dump(value, sort_keys=False, width=110, default_flow_style=None)


if __name__ == "__main__":
    for name, text in texts().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        print(path.relative_to(DOCS.parent))
