"""The program `rtcflow`: its own commands, and those that other distributions add."""

import errno
import os
import signal
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points

import typer
from rich.console import Console

from rtcflow.cli.spelling import spelled
from rtcflow.failures import OF_THE_MACHINE, as_contract_error
from rtcflow.provenance import software_version
from rtcflow_contract.errors import DefectError, ErrorClass, RefusedError, RtcflowError

_COMMANDS_GROUP = "rtcflow.commands"
_OWN = tuple(
    EntryPoint(name, f"rtcflow.cli.{name}:{name}", _COMMANDS_GROUP)
    for name in ("accuracy", "scene", "burst", "bursts", "compare", "convert", "grids")
)
# What a path that a person gave runs into; of these the path itself is the cause, not the program.
_PATH_ERRORS = (
    FileExistsError,
    FileNotFoundError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)

_PATH_ERRNOS = {errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.EINVAL, errno.ENODEV, errno.ENXIO}
# A name longer than this says no more.
_MOST_SHOWN = 200


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
    """The program with every installed command.

    Parameters
    ----------
    asked : str, optional
        Name of the command that will run: it is loaded alone, since some take seconds. All are, where it is unknown.
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
    """A command that cannot be loaded says so when it is called, and spoils no other."""
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
    """A function becomes a command, an app becomes a command with commands of its own."""
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    elif callable(command):
        app.command(name)(command)


def main() -> None:
    """Run the program; an error is one sentence on stderr and the exit code of its class."""
    # Unwinds, so that unfinished files are removed.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    _open_standard_streams()
    try:
        _check_words(sys.argv[1:])
        sys.argv[1:] = spelled(sys.argv[1:])
        make_app(next((word for word in sys.argv[1:] if not word.startswith("-")), None))(prog_name="rtcflow")
    except BrokenPipeError:
        # Who reads the output has seen enough; nothing is to be flushed into it at the end.
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
    """Open what the caller closed: else the next file that is opened would get what is meant for the terminal."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.dup(number), "r" if number == 0 else "w"))


def _check_words(words: list[str]) -> None:
    """Refuse words that are no text, which could be written into no item, and empty ones, which mean no path."""
    for before, word in zip(["", *words], words, strict=False):
        if not word.strip():
            raise RefusedError(
                f"{before or 'the command'} is given nothing; leave it out or give a value", "empty"
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


if __name__ == "__main__":
    main()
