"""The tests' ASF on loopback in a process of its own: `python -m benchmarks.archive SAFE…`, until its input ends."""

import json
import sys
from pathlib import Path

from tests.support.archive_asf import AsfArchive


def main() -> None:
    """Serve the scenes; prints the environment in which they are found as a line of JSON."""
    archive = AsfArchive(*map(Path, sys.argv[1:]))
    archive.extractor.keep = 4
    sys.stdout.write(json.dumps(archive.environment) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    archive.close()


if __name__ == "__main__":
    main()
