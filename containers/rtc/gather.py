"""Gather this project's own files for the image, compiled, with one modification time.

Run in the image's build: `python gather.py ENVIRONMENT OUT`, with what belongs below `/` in OUT.
"""

import re
import shutil
import sys
from pathlib import Path

from trim import compile_modules, give_one_time

# Numba stores function addresses as remarks in compiled code; they differ each time.
_ADDRESS, _NO_ADDRESS = re.compile(rb"at 0x[0-9a-f]{12}>"), b"at 0x000000000000>"
_OWN = ("bin/rtcflow", "compiled", "sbom.cdx.json", "lib/python*/site-packages/rtcflow*")


def main() -> None:
    """Copy code, compiled kernels and the bill of materials."""
    environment, out = Path(sys.argv[1]), Path(sys.argv[2])
    for pattern in _OWN:
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
    for file in (out / environment.relative_to("/") / "compiled").rglob("*.nbc"):
        file.write_bytes(_ADDRESS.sub(_NO_ADDRESS, file.read_bytes()))
    give_one_time(out)


if __name__ == "__main__":
    main()
