"""The image without Docker: built by buildah and run by podman, as ECS runs a task."""

import os
import re
import resource
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "containers" / "rtc" / "Dockerfile"
IMAGE = "localhost/rtcflow:image-test"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
# What ECS gives a task of size small.
_MEMORY = "4096m"


class Store(NamedTuple):
    """Where images are: the user's own store, or the folder of one in RTCFLOW_IMAGE_STORE."""

    options: tuple[str, ...]

    @classmethod
    def of_environment(cls) -> "Store":
        folder = os.environ.get("RTCFLOW_IMAGE_STORE")
        if not folder:
            return cls(())
        return cls(("--root", f"{folder}/store", "--runroot", f"{folder}/run", "--storage-driver", "overlay"))

    def buildah(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return _run(["buildah", *self.options, *arguments])

    def podman(self, *arguments: str) -> list[str]:
        return ["podman", *self.options, "--runtime", _runtime(), "--cgroup-manager", "cgroupfs", *arguments]


def missing() -> str:
    """Why images are not built here; empty when they are."""
    if os.environ.get("RTCFLOW_IMAGE_TEST") != "podman":
        return "builds and runs the image for minutes; make image-test does it"
    tools = [name for name in ("buildah", "podman") if not shutil.which(name)]
    if tools:
        return f"{' and '.join(tools)} not installed; on Debian: apt-get install buildah podman crun fuse-overlayfs"
    (base,) = re.findall(r"^ARG BASE=(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    store = Store.of_environment()
    if not any(
        _run(store.podman("image", "exists", f"{prefix}{base}")).returncode == 0 for prefix in _PREFIXES
    ):
        return f"base image {base} is not in the local store; pull it, or name a store's folder in RTCFLOW_IMAGE_STORE"
    return ""


_PREFIXES = ("docker.io/library/", "")


def build(target: str = "native") -> None:
    """Build the image by its Dockerfile from the base image of the store.

    RTCFLOW_IMAGE_BUILD_OPTIONS has more options, for those behind a proxy.
    """
    done = Store.of_environment().buildah(
        "build",
        "--pull-never",
        "--layers",
        "--isolation",
        "oci",
        "--runtime",
        _runtime(),
        "--network",
        "host",
        *os.environ.get("RTCFLOW_IMAGE_BUILD_OPTIONS", "").split(),
        *("--build-arg", f"COMMIT={COMMIT}"),
        *("--file", str(DOCKERFILE)),
        *("--target", target, "--tag", IMAGE, str(ROOT)),
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def command(*arguments: str, options: tuple[str, ...] = ()) -> list[str]:
    """Command line that runs the image as ECS does: read-only root, a volume at /tmp, init, no capability."""
    return Store.of_environment().podman(
        "run", "--rm", "--pull", "never", "--read-only", "--read-only-tmpfs=false",
        *_limits(), "--network", "host",
        *(("--init", "--init-path", shutil.which("tini") or "/usr/bin/tini") if shutil.which("tini") else ()),
        "--memory", _MEMORY, "--cap-drop", "ALL", *options, IMAGE, *arguments,
    )  # fmt: skip


def run(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the image to its end."""
    return _run(command(*arguments, options=options))


def _limits() -> list[str]:
    """No higher than this process's: podman's own are refused where it may not raise them."""
    found = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(number)[1] for name, number in found.items()}
    return [f"--ulimit={name}={4096 if most < 0 else min(most, 4096)}" for name, most in hard.items()]


def _runtime() -> str:
    return next((path for name in ("runc", "crun") if (path := shutil.which(name))), "runc")


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)
