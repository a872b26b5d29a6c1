"""A PostgreSQL of this run: Debian's server on loopback, in a folder that goes with it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEBIAN = Path("/usr/lib/postgresql")


class AbsentError(Exception):
    """A tool that is not on this machine; the message says what would bring it."""


def _program(name: str) -> str:
    found = sorted(_DEBIAN.glob(f"*/bin/{name}"))
    if not found:
        raise AbsentError("apt-get install postgresql")
    return str(found[-1])


def has_postgis() -> bool:
    """Whether the server's extensions have PostGIS."""
    return any(Path("/usr/share/postgresql").glob("*/extension/postgis.control"))


@contextmanager
def database() -> Iterator[str]:
    """Address of an empty database `postgres`.

    The server refuses to run as root, and runs as the user `postgres` then.
    """
    initdb, server = _program("initdb"), _program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="rtcflow-pg-"))
    as_user: dict[str, object] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **as_user}
    process = None
    try:
        data = str(folder / "data")
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            check=True,
            **quiet,  # type: ignore[call-overload]
        )
        process = subprocess.Popen(
            [server, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-c", "fsync=off"],
            **quiet,  # type: ignore[call-overload]
        )
        _wait(port)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            # Fast: clients that are still connected are dropped.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(port: int) -> None:
    import time

    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise RuntimeError("PostgreSQL did not start within a minute")
