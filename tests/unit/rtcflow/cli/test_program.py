"""The program `rtcflow`: its version, commands of other distributions, and paths that cannot be used."""

from importlib.metadata import version

from rtcflow.cli import app
from tests.support.burst_command import run


def test_the_version_is_shown(monkeypatch, capsys):
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith(f"rtcflow {version('rtcflow')}")


class _Entry:
    def __init__(self, name, loads):
        self.name = name
        self._loads = loads

    def load(self):
        return self._loads()


def test_commands_of_other_distributions_are_added(monkeypatch, capsys):
    import typer

    group = typer.Typer()
    group.command("up")(lambda: print("twin is up"))
    group.command("down")(lambda: None)

    def hello() -> None:
        print("hello from elsewhere")

    def broken():
        raise ImportError("no such part")

    entries = [_Entry("hello", lambda: hello), _Entry("twin", lambda: group), _Entry("broken", broken)]
    monkeypatch.setattr(app, "entry_points", lambda group: entries)
    assert run(monkeypatch, "hello") == 0
    assert run(monkeypatch, "twin", "up") == 0
    assert capsys.readouterr().out.splitlines() == ["hello from elsewhere", "twin is up"]
    assert run(monkeypatch, "broken") == 70
    assert "command 'broken' cannot be loaded" in capsys.readouterr().err


def test_only_the_command_that_is_asked_for_is_loaded(monkeypatch, capsys):
    def never():
        raise AssertionError("loaded")

    def hello() -> None:
        print("hello")

    entries = [_Entry("hello", lambda: hello), _Entry("slow", never)]
    # The option sets it, for good.
    monkeypatch.setenv("RTCFLOW_DEBUG", "0")
    monkeypatch.setattr(app, "entry_points", lambda group: entries)
    assert run(monkeypatch, "--debug", "hello") == 0
    assert capsys.readouterr().out == "hello\n"


def test_a_path_that_cannot_be_written_is_refused_by_name(monkeypatch, capsys, tmp_path):
    def write() -> None:
        (tmp_path / "missing" / "file").write_text("")

    monkeypatch.setattr(app, "entry_points", lambda group: [_Entry("write", lambda: write)])
    assert run(monkeypatch, "write") == 65
    told = capsys.readouterr().err
    assert told == f"refused: {tmp_path / 'missing' / 'file'}: No such file or directory; give another path\n"
