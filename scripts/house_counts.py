"""Print how large the code is and how much of it is shared, one count a line with its definition.

`python scripts/house_counts.py` prints the counts; `--names` lists what was counted too.
"""

import argparse
import ast
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# The program; tests, scripts and benchmarks are not counted, but a use in scripts or benchmarks is a use.
PROGRAM = ("functions", "containers", "local")
# Folders that are the root of import paths: the rest of a file's path is its module's name.
_ROOTS = ("functions/layer/src", "containers/rtc/src", "local/src", "functions")


class Module(NamedTuple):
    """A Python file: its name as it is imported, its path and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module


class Count(NamedTuple):
    """A number, what it means, and the names behind it."""

    label: str
    definition: str
    value: int
    names: list[str]


def tracked(*folders: str) -> list[Path]:
    """Files below folders that git tracks, as paths relative to the checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules(*folders: str) -> list[Module]:
    """Python files below folders, parsed."""
    paths = [path for path in tracked(*folders) if path.suffix == ".py"]
    return [Module(_name(path), path, ast.parse((ROOT / path).read_text())) for path in paths]


def _name(path: Path) -> str:
    for root in _ROOTS:
        if path.is_relative_to(root):
            path = path.relative_to(root)
            break
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: Module, known: set[str]) -> Iterator[tuple[str, str]]:
    """Modules that a module imports, each with the name that is taken from it (empty for the module itself)."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, ""
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                within = f"{node.module}.{alias.name}"
                yield (within, "") if within in known else (node.module, alias.name)


def public_names(module: Module) -> list[str]:
    """Functions, classes and constants that a module defines at its top, without those that begin with `_`."""
    found: list[str] = []
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return [name for name in found if not name.startswith("_")]


def _words(module: Module) -> set[str]:
    """Every identifier and every word of a string in a module: what may be a use of a name."""
    words: set[str] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name):
            words.add(node.id)
        elif isinstance(node, ast.Attribute):
            words.add(node.attr)
        elif isinstance(node, ast.alias):
            words.add(node.name)
    return words


def _text_words() -> str:
    """Files that name Python objects in text: entry points, handlers of the template."""
    paths = [path for path in tracked() if path.suffix in {".toml", ".yaml"} or path.name == "Dockerfile"]
    return "\n".join((ROOT / path).read_text() for path in paths)


def counts() -> list[Count]:
    """All counts of the checkout."""
    program = modules(*PROGRAM)
    others = modules("scripts", "benchmarks")
    known = {module.name for module in program}
    files = tracked(*PROGRAM)
    lines = {path: (ROOT / path).read_bytes().count(b"\n") for path in files}
    importers: dict[str, set[str]] = defaultdict(set)
    for module in program:
        for imported, _ in imports(module, known):
            importers[imported].add(module.name)
    tops = {module.name for module in program if module.path.name != "__init__.py"}
    single = sorted(name for name in tops if len(importers[name]) == 1)
    words = {module.name: _words(module) for module in program + others}
    text = _text_words()
    own = [
        f"{module.name}.{name}"
        for module in program
        for name in public_names(module)
        if not any(name in words[other] for other in words if other != module.name) and name not in text
    ]
    names = Counter(module.path.name for module in program if module.path.name != "__init__.py")
    classes = Counter(
        node.name for module in program for node in module.tree.body if isinstance(node, ast.ClassDef)
    )
    return [
        Count("files", f"files of {', '.join(PROGRAM)}", len(files), []),
        Count("lines", "lines of these files", sum(lines.values()), []),
        Count("modules", "Python files of these, without __init__.py", len(tops), []),
        Count("one importer", "modules that exactly one other module imports", len(single), single),
        Count("own use only", "public names that no other module uses (tests aside)", len(own), sorted(own)),
        _twice("file names twice", "names of Python files that occur more than once", names),
        _twice("class names twice", "names of classes that occur more than once", classes),
        Count(
            "longest file",
            "lines of the longest Python file",
            max(lines[module.path] for module in program),
            [],
        ),
    ]


def _twice(label: str, definition: str, found: Counter[str]) -> Count:
    names = sorted(name for name, times in found.items() if times > 1)
    return Count(label, definition, len(names), names)


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--names", action="store_true", help="list the names behind the counts")
    wanted = parser.parse_args()
    for count in counts():
        print(f"{count.value:>7,}  {count.label:<18} {count.definition}")
        if wanted.names:
            print("".join(f"           {name}\n" for name in count.names), end="")


if __name__ == "__main__":
    main()
