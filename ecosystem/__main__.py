"""Run every check, print one line each, and fail when one does."""

import argparse
import os
import sys
import time
import traceback
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ecosystem.catalogues import DATABASE_CHECKS
from ecosystem.database import AbsentError, database
from ecosystem.files import FILE_CHECKS
from ecosystem.products import Place, make_products

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Checks by name, or all."""
    parser = argparse.ArgumentParser(prog="make ecosystem")
    parser.add_argument("names", nargs="*", help="only these")
    parser.add_argument("--rtcflow", default=str(ROOT / ".venv" / "bin" / "rtcflow"))
    parser.add_argument("--work", type=Path, default=ROOT / ".ecosystem")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    place = make_products(options.rtcflow, options.work.resolve(), ROOT / "docs")
    # Nothing may depend on where the tools run.
    os.chdir("/")
    results = [
        _one(name, lambda check=check: check(place))
        for name, check in FILE_CHECKS.items()
        if not options.names or name in options.names
    ]
    for name, check in DATABASE_CHECKS.items():
        if not options.names or name in options.names:
            results.append(_one(name, lambda check=check: _with_database(check, place)))
    good, bad = results.count("ok"), results.count("FAULT")
    print(f"\n{good} passed, {bad} failed, {results.count('absent')} skipped")
    return 1 if bad else 0


def _with_database(check: Callable[[Place, str], str], place: Place) -> str:
    with database() as address:
        return check(place, address)


def _one(name: str, check: Callable[[], str]) -> str:
    started = time.monotonic()
    try:
        said, result = check(), "ok"
    except AbsentError as error:
        said, result = f"not on this machine ({error})", "absent"
    except Exception as error:
        traceback.print_exc()
        said, result = f"{type(error).__name__}: {str(error)[:300]}", "FAULT"
    print(f"{result:7}{name:20}{_version(name):10}{time.monotonic() - started:5.0f} s  {said}", flush=True)
    return result


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
