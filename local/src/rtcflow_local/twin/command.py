"""`rtcflow twin up|down|status`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow_contract.errors import RtcflowError
from rtcflow_local.twin import emulator as emulators
from rtcflow_local.twin.archive import ARCHIVE, CAMPAIGN_LIST, PAYLOAD, upload_practice, write_practice
from rtcflow_local.twin.deployment import Stack, deploy, describe

app = typer.Typer(
    help="The whole system on this machine, without AWS and without Docker.", no_args_is_help=True
)

Folder = Annotated[Path, typer.Option(help="Where the twin keeps its state and logs.")]
_DEFAULT_FOLDER = Path(".twin")
_ENVIRONMENT = "env"


@app.command()
def up(
    folder: Folder = _DEFAULT_FOLDER,
    port: Annotated[
        int | None, typer.Option(help="Port on loopback; else a free one.", min=1, max=65535)
    ] = None,
    project: Annotated[Path, typer.Option(help="Checkout with template.yaml.")] = Path(),
    sample: Annotated[
        bool, typer.Option("--sample", help="Simulate two scenes, and write payloads that start them.")
    ] = False,
) -> None:
    """Start the emulator and deploy the template into it."""
    console = Console(markup=False, emoji=False)
    with _exit_on_error(console):
        started = emulators.start(folder, port)
        try:
            with console.status("starting") as status:
                scenes = write_practice(started.folder, status.update) if sample else []
                parameters = ARCHIVE.parameters if sample else {}
                stack = deploy(started, project.resolve(), parameters, status.update)
                upload_practice(started, scenes)
        except BaseException:
            emulators.stop(started)
            raise
    _write_environment(started, stack)
    _show(console, started, stack)
    console.print(f"\nsource {_shown(started.folder / _ENVIRONMENT)}", soft_wrap=True)


@app.command()
def down(folder: Folder = _DEFAULT_FOLDER) -> None:
    """Stop the twin; the content of its buckets is lost."""
    found = emulators.find(folder)
    if found is None:
        Console(markup=False, emoji=False).print("no twin runs here")
        return
    emulators.stop(found)
    Console(markup=False, emoji=False).print(f"stopped the twin at {found.endpoint}")


@app.command()
def status(folder: Folder = _DEFAULT_FOLDER) -> None:
    """Show what runs."""
    console = Console(markup=False, emoji=False)
    found = emulators.find(folder)
    if found is None:
        console.print("no twin runs here; start one with: rtcflow twin up")
        raise typer.Exit(1)
    _show(console, found, describe(found))


def _show(console: Console, running: emulators.Emulator, stack: Stack) -> None:
    console.print(f"endpoint       {running.endpoint}", soft_wrap=True)
    console.print(f"state machine  {stack.state_machine}", soft_wrap=True)
    console.print(f"products       s3://{stack.products_bucket}", soft_wrap=True)
    console.print(f"work           s3://{stack.work_bucket}", soft_wrap=True)
    console.print(f"logs           {running.folder}", soft_wrap=True)
    if (running.folder / PAYLOAD).is_file():
        console.print(f"scene          {running.folder / PAYLOAD}", soft_wrap=True)
        console.print(f"campaign list  {running.folder / CAMPAIGN_LIST}", soft_wrap=True)
    console.print(f"environment    {running.folder / _ENVIRONMENT}", soft_wrap=True)


def _write_environment(running: emulators.Emulator, stack: Stack) -> None:
    """Write the variables with which a shell works with the twin: endpoint and keys of AWS clients, and buckets."""
    buckets = {"PRODUCTS": f"s3://{stack.products_bucket}", "WORK": f"s3://{stack.work_bucket}"}
    lines = [f"export {name}={value}\n" for name, value in {**running.environment, **buckets}.items()]
    (running.folder / _ENVIRONMENT).write_text("".join(lines))


def _shown(path: Path) -> Path:
    """A path relative to the current folder where possible."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class _exit_on_error:  # noqa: N801 - used only in a with statement
    """Ends the program with one sentence on an error of the contract."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RtcflowError):
            Console(stderr=True, markup=False, emoji=False).print(
                f"{error.error_class.value}: {error.message}", soft_wrap=True
            )
            raise typer.Exit(error.exit_code)
