"""The program `rtcflow`: its own commands, and those that other distributions add."""

import os
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points, version

import typer
from rich.console import Console

from rtcflow.failures import as_contract_error
from rtcflow_contract.errors import DefectError, ErrorClass, RtcflowError

COMMANDS_GROUP = "rtcflow.commands"
_OWN = [
    EntryPoint(name, f"rtcflow.cli.{name}:{name}", COMMANDS_GROUP) for name in ("burst", "compare", "grids")
]

_errors = Console(stderr=True, soft_wrap=True, highlight=False)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"rtcflow {version('rtcflow')}")
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


def make_app(named: str = "") -> typer.Typer:
    """The program with the command named, or with every installed one where none has the name.

    Other commands are not imported: those of operators bring large libraries.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_options)
    found = sorted(entry_points(group=COMMANDS_GROUP), key=lambda entry: entry.name)
    entries = {entry.name: entry for entry in (*_OWN, *found)}
    for entry in [entries[named]] if named in entries else entries.values():
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
    try:
        make_app(next((word for word in sys.argv[1:] if not word.startswith("-")), ""))()
    except Exception as error:
        failure = as_contract_error(error)
        if os.environ.get("RTCFLOW_DEBUG") == "1":
            traceback.print_exc()
        _errors.print(_sentence(failure), style="bold red", markup=False)
        sys.exit(failure.exit_code)


def _sentence(failure: RtcflowError) -> str:
    hint = "; run again with --debug for the trace" if failure.error_class is ErrorClass.DEFECT else ""
    return f"{failure.error_class.value}: {failure.message}{hint}"


if __name__ == "__main__":
    main()
