"""A stand-in for the Docker SDK: containers are subprocesses of the container's entrypoint.

Only the emulator's process has it on its module path. It implements the few calls that the emulator's ECS makes. The
image's name does not matter, as every image of this system has the same entrypoint.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docker import errors
from rtcflow.process_group import signal_group

_STOP_TIMEOUT_S = 30
# Settings of the emulator that tasks must not have.
_NOT_FOR_TASKS = ("GATEWAY_PORT", "BIND_HOST", "PYTHONPATH", "RTCFLOW_TWIN_FOLDER")


def _settings() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_folder() / "tasks.json").read_text())
    return found


def _folder() -> Path:
    return Path(os.environ["RTCFLOW_TWIN_FOLDER"])


class Container:
    """One task's process, with its output in `log.txt` of its folder."""

    def __init__(self, command: list[str], environment: dict[str, str], labels: dict[str, str]) -> None:
        settings = _settings()
        self.id = uuid.uuid4().hex
        self.labels = labels
        self.attrs: dict[str, Any] = {
            "NetworkSettings": {"Networks": {}},
            "Config": {"Labels": labels},
            "State": {},
        }
        self._folder = _folder() / "tasks" / self.id
        work = self._folder / "work"
        work.mkdir(parents=True)
        base = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_TASKS}
        entrypoint = settings.get("entrypoint") or [sys.executable, "-m", "rtcflow.entrypoint"]
        self._log = self._folder / "log.txt"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*entrypoint, *command],
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**base, **environment, **settings["environment"], "RTCFLOW_WORK_DIR": str(work)},
            )

    @property
    def status(self) -> str:
        """`running` or `exited`."""
        return "running" if self._process.poll() is None else "exited"

    def reload(self) -> None:
        """Update `attrs`."""
        self.attrs["State"] = {"Status": self.status, "ExitCode": self._process.poll()}

    def wait(self, **_: Any) -> dict[str, int]:
        """Wait for the end; the exit code of a signal is 128 plus its number."""
        code = self._process.wait()
        return {"StatusCode": code if code >= 0 else 128 - code}

    def stop(self, timeout: int = _STOP_TIMEOUT_S, **_: Any) -> None:
        """Ask the process to end, and kill it after a timeout."""
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end, as a Spot interruption does."""
        self._signal(signal.SIGTERM)

    def kill(self, **_: Any) -> None:
        """Kill the process."""
        self._signal(signal.SIGKILL)

    def remove(self, **_: Any) -> None:
        """Stop the container and forget it."""
        self.stop()
        _containers.pop(self.id, None)

    def logs(self, stream: bool = False, **_: Any) -> bytes | Iterator[bytes]:
        """Output so far, or a stream of its lines until the end."""
        return self._lines() if stream else self._log.read_bytes()

    def _lines(self) -> Iterator[bytes]:
        with self._log.open("rb") as log:
            while True:
                line = log.readline()
                if line:
                    yield line
                elif self._process.poll() is not None:
                    return
                else:
                    time.sleep(0.1)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            # Another thread may reap the process meanwhile.
            signal_group(self._process.pid, number)


_containers: dict[str, Container] = {}


class _Containers:
    def run(
        self,
        image: str,
        command: str | list[str] | None = None,
        environment: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
        **_: Any,
    ) -> Container:
        arguments = shlex.split(command) if isinstance(command, str) else list(command or [])
        container = Container(arguments, environment or {}, labels or {})
        _containers[container.id] = container
        return container

    def get(self, container_id: str) -> Container:
        if container_id not in _containers:
            raise errors.NotFound(container_id)
        return _containers[container_id]

    def list(self, **_: Any) -> list[Container]:
        return [*_containers.values()]


class _Images:
    def get(self, name: str) -> str:
        return name

    def pull(self, name: str, **_: Any) -> str:
        return name


class _Networks:
    def list(self, **_: Any) -> list[Any]:
        return []

    def get(self, name: str) -> Any:
        raise errors.NotFound(name)


class DockerClient:
    """The client that `from_env` returns."""

    def __init__(self, **_: Any) -> None:
        self.containers = _Containers()
        self.images = _Images()
        self.networks = _Networks()

    def ping(self) -> bool:
        """Always true."""
        return True


def from_env(**_: Any) -> DockerClient:
    """A client."""
    return DockerClient()
