"""The program `rtcflow`: its commands, and those of other distributions.

Options may be spelled otherwise: with underscores, several values after one option, and names of sar-pipeline.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.console import Console

from rtcflow.machine_errors import OF_THE_MACHINE, as_contract_error
from rtcflow.provenance import software_version
from rtcflow_contract.errors import DefectError, ErrorClass, RefusedError, RtcflowError

_COMMANDS_GROUP = "rtcflow.commands"
_OWN = tuple(
    EntryPoint(name, f"rtcflow.cli.{name}:{name}", _COMMANDS_GROUP)
    for name in ("accuracy", "scene", "burst", "bursts", "compare", "convert", "grids")
)
# Errors caused by a path that the user gave, not by the program.
_PATH_ERRORS = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

_PATH_ERRNOS = {errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.EINVAL, errno.ENODEV, errno.ENXIO}
# Longer names are cut in messages.
_MOST_SHOWN = 200
# Options that take all values up to the next option.
_OF_SEVERAL_WORDS = ("--burst-id-list", "--scene")
_OTHER_NAMES = {"--dem-type": "--dem"}


_errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rtcflow {software_version()}")
        raise typer.Exit


def _options(
    show_version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
    debug: bool = typer.Option(
        False, "--debug", envvar="RTCFLOW_DEBUG", help="Show the full trace of an error."
    ),
) -> None:
    """Sentinel-1 radiometrically terrain corrected gamma0 backscatter, burst by burst."""
    if debug:
        os.environ["RTCFLOW_DEBUG"] = "1"


def make_app(asked: str | None = None) -> typer.Typer:
    """Build the program with every installed command.

    Parameters
    ----------
    asked : str, optional
        Name of the command that will run. Only this one is loaded, since some take seconds; all of them if it is
        unknown.
    """
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    entries = [*_OWN, *sorted(entry_points(group=_COMMANDS_GROUP), key=lambda entry: entry.name)]
    for entry in [entry for entry in entries if entry.name == asked] or entries:
        _add(app, entry.name, _load(entry))
    return app


def _load(entry: EntryPoint) -> object:
    """Load a command; one that cannot be loaded reports that when called, and does not affect others."""
    try:
        return entry.load()
    except ImportError as error:
        cause = error

        def unavailable() -> None:
            """Not available in this installation."""
            raise DefectError(
                f"command '{entry.name}' cannot be loaded: {cause}", reason="command"
            ) from cause

        return unavailable


def _add(app: typer.Typer, name: str, command: object) -> None:
    """Add a function as a command, or an app as a command with subcommands."""
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    elif callable(command):
        app.command(name)(command)


def main() -> None:
    """Run the program; an error prints one sentence to stderr and exits with the code of its class."""
    # Raise, so that unfinished files are removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    _open_standard_streams()
    try:
        _check_words(sys.argv[1:])
        sys.argv[1:] = spelled(sys.argv[1:])
        make_app(next((word for word in sys.argv[1:] if not word.startswith("-")), None))(prog_name="rtcflow")
    except BrokenPipeError:
        # The reader of the pipe is gone; do not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(0)
    except Exception as error:
        failure = _failure(error)
        if os.environ.get("RTCFLOW_DEBUG") == "1":
            traceback.print_exc()
        _errors.print(_sentence(failure), style="bold red", markup=False)
        sys.exit(failure.exit_code)


def _failure(error: Exception) -> RtcflowError:
    of_a_path = isinstance(error, _PATH_ERRORS) or (
        isinstance(error, OSError) and error.errno in _PATH_ERRNOS
    )
    if isinstance(error, OSError) and of_a_path and error.filename is not None:
        return RefusedError(f"{_shown(error.filename)}: {error.strerror}; give another path", reason="path")
    return as_contract_error(error)


def _shown(path: object) -> str:
    text = os.fsdecode(path) if isinstance(path, str | bytes) else str(path)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _open_standard_streams() -> None:
    """Open standard streams that the caller closed; otherwise the next opened file would receive terminal output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(number), "r" if number == 0 else "w"))


def _check_words(words: list[str]) -> None:
    """Refuse arguments that are not valid text, which no item could hold, and empty ones, which are not a path."""
    for before, word in zip(["", *words], words, strict=False):
        if not word.strip():
            raise RefusedError(
                f"{before or 'the command'} has an empty value; leave it out or give a value", "empty"
            )
        try:
            word.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RefusedError(
                f"{ascii(word)[1:-1]} is not UTF-8; give paths and names in UTF-8, or rename them",
                reason="encoding",
            ) from error


def _sentence(failure: RtcflowError) -> str:
    traced = failure.error_class is ErrorClass.DEFECT and failure.reason not in OF_THE_MACHINE
    hint = "; run again with --debug for the trace" if traced else ""
    return f"{failure.error_class.value}: {failure.message}{hint}"


def spelled(words: Sequence[str]) -> list[str]:
    """Spell option names with hyphens and as ours, and repeat an option before each of its values.

    Examples
    --------
    >>> spelled(["--burst_id_list", "t070_149815_iw3", "t070_149821_iw1", "--dry_run"])
    ['--burst-id-list', 't070_149815_iw3', '--burst-id-list', 't070_149821_iw1', '--dry-run']
    """
    return list(_spelled(words))


def _spelled(words: Sequence[str]) -> Iterator[str]:
    option, filled = "", False
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            name = name.replace("_", "-")
            option, filled = _OTHER_NAMES.get(name, name), bool(equals)
            yield option + equals + value
            continue
        if option in _OF_SEVERAL_WORDS and filled and not word.startswith("-"):
            yield option
        filled = True
        yield word


if __name__ == "__main__":
    main()
