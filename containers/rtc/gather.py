"""Gather this project's own files of the image, compiled and with one time.

Run in the image's build: `python gather.py ENVIRONMENT OUT`, with what belongs below `/` in OUT.
"""

import shutil
import sys
from pathlib import Path

from trim import compile_modules, give_one_time

OWN = ("bin/rtcflow", "compiled", "sbom.cdx.json", "lib/python*/site-packages/rtcflow*")


def main() -> None:
    """Copy code, compiled kernels and the bill of materials."""
    environment, out = Path(sys.argv[1]), Path(sys.argv[2])
    for pattern in OWN:
        found = sorted(environment.glob(pattern))
        if not found:
            sys.exit(f"{environment} has no {pattern}")
        for path in found:
            target = out / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
                compile_modules(path, target)
            else:
                shutil.copy2(path, target)
    give_one_time(out)


if __name__ == "__main__":
    main()
