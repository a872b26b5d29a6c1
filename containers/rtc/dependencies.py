"""Print what the burst task needs beside its own two packages, a requirement a line; run in the image's build."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def dependencies() -> list[str]:
    """Requirements of the layer's and the task's package that are not of this project."""
    return [
        requirement
        for folder in ("functions/layer", "containers/rtc")
        for requirement in tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"][
            "dependencies"
        ]
        if not requirement.startswith("rtcflow")
    ]


if __name__ == "__main__":
    print("\n".join(dependencies()))
