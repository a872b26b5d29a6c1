"""Reads a Dockerfile as stages of instructions, and builds a stage in a folder without Docker."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_CONTINUED = re.compile(r"\\\n(?:\s*#.*\n)*")
_MOUNTS = re.compile(r"--mount=\S+\s+")
_STAGE = re.compile(r"(\S+)(?:\s+AS\s+(\S+))?$")


class Instruction(NamedTuple):
    """An instruction's word and the rest of its line."""

    word: str
    rest: str


class Stage(NamedTuple):
    """A stage: what it is built on, and its instructions."""

    base: str
    instructions: list[Instruction]

    def of(self, word: str) -> list[str]:
        return [instruction.rest for instruction in self.instructions if instruction.word == word]

    def environment(self) -> dict[str, str]:
        return dict(part.split("=", 1) for rest in self.of("ENV") for part in shlex.split(rest))


def stages(path: Path) -> dict[str, Stage]:
    """Stages of a Dockerfile by name; it may have no here-documents."""
    found: dict[str, Stage] = {}
    for line in _CONTINUED.sub(" ", path.read_text()).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            base, name = _STAGE.match(rest).groups()
            found[name] = Stage(base, [])
        elif found:
            found[name].instructions.append(Instruction(word, rest.strip()))
    return found


class Refused(Exception):
    """A step failed; its output."""


def build(stage: Stage, context: Path, root: Path, leave_out: str | None = None) -> list[str]:
    """Run a stage's COPY, ENV and RUN below `root` in place of `/`; gives the commands that were run.

    Steps with `leave_out` in them are not run.
    """
    environment = {**os.environ, "PATH": f"{root}/bin:{os.environ['PATH']}"}
    (root / "bin").mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (root / "bin" / "python").symlink_to(sys.executable)
    done = []
    for word, rest in stage.instructions:
        if word == "ENV":
            named = dict(part.split("=", 1) for part in shlex.split(_below(root, rest)))
            environment |= {name: value for name, value in named.items() if name != "PIP_NO_CACHE_DIR"}
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                into = target + Path(source).name if target.endswith("/") else target
                _copy(context / source, Path(_below(root, into)))
        elif word == "RUN" and not (leave_out and leave_out in rest):
            command = _below(root, _MOUNTS.sub("", rest))
            ended = subprocess.run(
                ["/bin/sh", "-c", command], env=environment, capture_output=True, text=True, check=False
            )
            if ended.returncode:
                raise Refused(f"{command}\n{ended.stdout}\n{ended.stderr}")
            done.append(rest)
    return done


def _below(root: Path, text: str) -> str:
    return re.sub(r"(?<![\w.])/(opt|src|tmp|out|code|build)\b", rf"{root}/\1", text)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        shutil.copy(source, target)
