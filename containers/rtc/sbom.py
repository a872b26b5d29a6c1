"""Bill of materials of the image (CycloneDX JSON): `python sbom.py OUT python=FILE debian conda=PREFIX`, any of them.

FILE is the list of Python packages by cyclonedx-py; packages of Debian and conda are added as components.
"""

import json
import subprocess
import sys
from pathlib import Path

_Component = dict[str, str]
_DEBIAN = "${Package}\t${Version}\t${Architecture}\n"


def _debian_packages() -> list[_Component]:
    """Packages of the base image."""
    query = ["dpkg-query", "--show", "--showformat", _DEBIAN]
    listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout
    lines = [line.split("\t") for line in sorted(listed.splitlines())]
    return [_component("deb/debian", name, version, f"?arch={arch}") for name, version, arch in lines]


def _conda_packages(prefix: Path) -> list[_Component]:
    """Packages of a conda environment."""
    records = [json.loads(path.read_text()) for path in sorted((prefix / "conda-meta").glob("*.json"))]
    return [
        _component("conda", r["name"], r["version"], f"?build={r['build']}&channel=conda-forge")
        for r in records
    ]


def _component(kind: str, name: str, version: str, more: str) -> _Component:
    return {"type": "library", "name": name, "version": version, "purl": f"pkg:{kind}/{name}@{version}{more}"}


def main(arguments: list[str]) -> None:
    """Write the bill of materials of the named sources."""
    out, *sources = arguments
    given = dict(source.partition("=")[::2] for source in sources)
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}
    if "python" in given:
        bill = json.loads(Path(given["python"]).read_text())
    if "debian" in given:
        bill["components"] += _debian_packages()
    if "conda" in given:
        bill["components"] += _conda_packages(Path(given["conda"]))
    Path(out).write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
