"""Leave out of the image's libraries what nothing imports, compile the rest, and give every file one time.

Run in the image's build: `python trim.py ENVIRONMENT OUT`, with what belongs below `/` in OUT.
"""

import os
import py_compile
import shutil
import sys
import sysconfig
from importlib.util import cache_from_source
from pathlib import Path

# A layer's bytes hold the times of its files.
_TIME = 1735689600
# Of AWS's services those that a task or `rtcflow scene` speaks to, and those of logins.
_SERVICES = {
    "events",
    "s3",
    "s3control",
    "secretsmanager",
    "signin",
    "sns",
    "sso",
    "sso-oidc",
    "states",
    "sts",
}
# Of the standard library.
_UNUSED = {
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
    "venv",
}
_SOURCES = ("*.pyx", "*.pxd", "*.c", "*.cpp", "*.h", "*.hpp", "*.a", "*.pyi")


def leave_out(packages: Path) -> None:
    """Remove tests, sources of extensions, and descriptions of services that are not spoken to."""
    for folder in [path for path in packages.rglob("*") if path.is_dir() and path.name in ("tests", "test")]:
        shutil.rmtree(folder, ignore_errors=True)
    for service in (packages / "botocore" / "data").iterdir():
        if service.is_dir() and service.name not in _SERVICES:
            shutil.rmtree(service)
    for file in [file for pattern in _SOURCES for file in packages.rglob(pattern)]:
        file.unlink()


def compile_modules(folder: Path, into: Path, skip: frozenset[str] | set[str] = frozenset()) -> None:
    """Compile the modules of a folder; Python takes them without looking at the times of their sources.

    Parameters
    ----------
    folder : Path
        Where the sources are, now and in the image.
    into : Path
        The folder that stands for it, in which the compiled modules go.
    skip : set of str
        Names in the folder that are left out.
    """
    for source in sorted(folder.rglob("*.py")):
        relative = source.relative_to(folder)
        if relative.parts[0] in skip:
            continue
        compiled = cache_from_source(str(into / relative))
        py_compile.compile(
            str(source),
            compiled,
            str(source),
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def give_one_time(folder: Path) -> None:
    """Set the time of everything below a folder."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (_TIME, _TIME), follow_symlinks=False)


def main() -> None:
    """Trim and compile the environment; compile the standard library, of which the base image has the source alone."""
    environment, out = Path(sys.argv[1]), Path(sys.argv[2])
    (packages,) = environment.glob("lib/python*/site-packages")
    leave_out(packages)
    compile_modules(packages, packages)
    library = Path(sysconfig.get_path("stdlib"))
    compile_modules(library, out / library.relative_to("/"), _UNUSED)
    give_one_time(out)


if __name__ == "__main__":
    main()
