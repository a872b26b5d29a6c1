"""Write the parts of the docs that the code says: the payload's fields in guide.md, and the library's page api.md.

`python scripts/docs_from_code.py` writes them; a test holds the pages to what it would write.
"""

import inspect
import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from rtcflow_contract.request import SceneRequest

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BEGIN, _END = "<!-- fields of the payload: make docs -->", "<!-- end -->"
# What stands for None, or for what depends on other fields.
_DEFAULTS = {
    "orbit_source": "the stack's",
    "scene_source": "`asf`",
    "burst_id_list": "all",
    "output_crs": "burst's own",
    "s3_bucket": "the stack's",
    "scene": "",
}

_LIBRARY = """
# The library

```python
import rtcflow

for product in rtcflow.make_scene("S1A_IW_SLC__1SDV_....SAFE", "products"):  # one scene
    print(product.burst_id, product.manifest.grid.epsg, product.layer("VV"))

found = rtcflow.search("glacier.geojson", "2023-01-01", "2023-12-31")  # an area and a period
rtcflow.make(found, "glacier")
stack = rtcflow.open_stack("glacier/products", area="glacier.geojson")
```

Errors are `RefusedError`, `TransientError` and `DefectError` of `rtcflow_contract.errors`, with one sentence each: what
was wrong and what to do. [An area and a period](stacks.md) says how a stack is laid out; [the guide](guide.md) lists
the fields of a payload.
"""


def payload_table() -> str:
    """The fields of a scene payload with defaults and meanings, as a table of Markdown."""
    rows = [
        f"| `{name}` | {_default(name, field)} | {' '.join((field.description or '').split())} |"
        for name, field in SceneRequest.model_fields.items()
    ]
    return "\n".join(["| Field | Default | Meaning |", "|---|---|---|", *rows])


def _default(name: str, field: FieldInfo) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    if field.is_required():
        return "as above" if name.startswith("linked_") else "that of the product"
    value: Any = field.default.value if isinstance(field.default, Enum) else field.default
    return {True: "true", False: "false"}.get(value, f"`{value}`") if value is not None else ""


def guide(text: str) -> str:
    """The guide with its table as the model has it."""
    head, _, rest = text.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{payload_table()}\n{_END}{tail}"


def api() -> str:
    """The page of the library: each public function and class with its signature and docstring."""
    import rtcflow
    from rtcflow.scene_products import BurstProduct
    from rtcflow_local.stack.acquisitions import Found, FoundBurst, Pass
    from rtcflow_local.stack.making import Made

    results = (BurstProduct, Found, Pass, FoundBurst, Made)
    parts = [_LIBRARY.strip()]
    for found in (*(getattr(rtcflow, name) for name in rtcflow.LIBRARY), *results):
        name = found.__name__
        signature = re.sub(r"\b(?:[a-z_]\w*\.)+([A-Z]\w*)", r"\1", str(inspect.signature(found)))
        parts += [
            f"## `{name}`",
            f"```python\n{name}{signature}\n```",
            f"```text\n{inspect.getdoc(found)}\n```",
        ]
    return "\n\n".join(parts) + "\n"


PAGES: dict[str, Callable[[str], str]] = {"guide.md": guide, "api.md": lambda _: api()}


def main() -> None:
    """Write the pages."""
    for name, make in PAGES.items():
        path = DOCS / name
        path.write_text(make(path.read_text() if path.exists() else ""))


if __name__ == "__main__":
    main()
