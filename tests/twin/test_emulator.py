"""The emulator: one per folder, which is found again and leaves nothing outside the folder."""

import io
import tempfile
import zipfile
from pathlib import Path

import pytest

from rtcflow_contract.errors import RefusedError
from rtcflow_local.twin import emulator as emulators

pytestmark = pytest.mark.twin
ROLE = "arn:aws:iam::000000000000:role/any"


@pytest.fixture
def emulator(tmp_path):
    started = emulators.start(tmp_path / "twin")
    yield started
    emulators.stop(started)


def call_a_function(emulator):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr(
            "app.py", "import tempfile\ndef handler(event, context):\n    return tempfile.gettempdir()"
        )
    client = emulator.client("lambda")
    client.create_function(
        FunctionName="any",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": code.getvalue()},
    )
    return client.invoke(FunctionName="any")["Payload"].read()


def test_what_functions_leave_is_removed_with_the_emulator(emulator):
    before = set(Path(tempfile.gettempdir()).iterdir())
    assert str(emulator.temporary) in call_a_function(emulator).decode()
    assert any(emulator.temporary.iterdir())
    emulators.stop(emulator)
    assert not emulator.temporary.exists()
    left = {path.name for path in set(Path(tempfile.gettempdir()).iterdir()) - before}
    assert not any(name.startswith("ministack") for name in left)


def test_a_second_emulator_in_the_same_folder_is_refused(emulator):
    assert emulators.find(emulator.folder) == emulator
    with pytest.raises(RefusedError, match="runs already"):
        emulators.start(emulator.folder)


def test_a_stopped_emulator_is_not_found(emulator):
    emulators.stop(emulator)
    assert emulators.find(emulator.folder) is None
