"""Start, find and stop the emulator, whose files are all in one folder."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import boto3

from rtcflow.process_group import signal_group
from rtcflow_contract.errors import RefusedError, TransientError

REGION = "us-west-2"
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
_START_TIMEOUT_S = 60
# The emulator and the SAM CLI leave unpacked files in TMPDIR.
_TEMPORARY = "tmp"


class Emulator(NamedTuple):
    """A running emulator: its folder, process and endpoint."""

    folder: Path
    pid: int
    endpoint: str

    @property
    def temporary(self) -> Path:
        """Folder for TMPDIR; removed when the emulator ends."""
        return self.folder / _TEMPORARY

    @property
    def environment(self) -> dict[str, str]:
        """Environment for AWS clients and tools that use it."""
        return {
            **_CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "SAM_CLI_TELEMETRY": "0",
        }

    def client(self, service: str) -> Any:
        """A boto3 client for it."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def start(
    folder: Path,
    port: int | None = None,
    task_environment: dict[str, str] | None = None,
    wait_scale: float = 1.0,
) -> Emulator:
    """Start an emulator in a folder and wait until it answers.

    Parameters
    ----------
    folder : Path
        Folder for state, logs and tasks; created if missing.
    port : int, optional
        Port on loopback; None means a free one.
    task_environment : dict, optional
        Additional environment of container tasks.
    wait_scale : float
        Length of waits and retry pauses relative to AWS.

    Raises
    ------
    RefusedError
        When an emulator runs there already, or the port is in use.
    TransientError
        When it does not answer in time.
    """
    running = find(folder)
    if running is not None:
        raise RefusedError(
            f"the twin runs already at {running.endpoint}; stop it with: rtcflow twin down", "twin"
        )
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    chosen = port or _free_port()
    if _answers(chosen):
        raise RefusedError(f"port {chosen} is in use; give another with --port", "twin-port")
    endpoint = f"http://127.0.0.1:{chosen}"
    tasks = {"environment": {**_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, **(task_environment or {})}}
    (folder / "tasks.json").write_text(json.dumps(tasks))
    (folder / "faults.json").unlink(missing_ok=True)
    temporary = folder / _TEMPORARY
    temporary.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        **_CREDENTIALS,
        "TMPDIR": str(temporary),
        "STATE_DIR": str(folder / "state"),
        "GATEWAY_PORT": str(chosen),
        "BIND_HOST": "127.0.0.1",
        "RTCFLOW_TWIN_FOLDER": str(folder),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "SFN_WAIT_SCALE": str(wait_scale),
    }
    environment.pop("AWS_ENDPOINT_URL", None)
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "rtcflow_local.twin.launcher"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not _healthy(endpoint):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise TransientError(f"the emulator did not start; see {folder / 'emulator.log'}", "twin")
        time.sleep(0.1)
    emulator = Emulator(folder, process.pid, endpoint)
    (folder / "emulator.json").write_text(json.dumps({"pid": process.pid, "endpoint": endpoint}))
    return emulator


def find(folder: Path) -> Emulator | None:
    """The emulator running in a folder, or None."""
    path = folder.resolve() / "emulator.json"
    if not path.is_file():
        return None
    state = json.loads(path.read_text())
    if not _is_ours(int(state["pid"])):
        return None
    return Emulator(folder.resolve(), int(state["pid"]), str(state["endpoint"]))


def stop(emulator: Emulator, timeout_s: float = 20.0) -> None:
    """Stop the emulator and its tasks; files stay, except temporary ones."""
    signal_group(emulator.pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout_s
    while _is_ours(emulator.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    signal_group(emulator.pid, signal.SIGKILL)
    shutil.rmtree(emulator.temporary, ignore_errors=True)
    (emulator.folder / "emulator.json").unlink(missing_ok=True)


def _is_ours(pid: int) -> bool:
    """Whether a process is an emulator of this package, as pids are reused."""
    with contextlib.suppress(ChildProcessError):
        # Reap a child of this process, which would otherwise stay as a zombie.
        os.waitpid(pid, os.WNOHANG)
    try:
        return b"rtcflow_local.twin.launcher" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _healthy(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
