"""A payload in a file: accepted, or refused in a sentence that says what is wrong with it."""

import json

import pytest

from rtcflow.cli.payload_options import read_payload_file
from rtcflow_contract.errors import RefusedError


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps({"scene": "x" * 262_144}), "at most 262,144; list the bursts"),
        ("[" * 100_000, "is not JSON"),
        ("", "is not JSON"),
        ("[1, 2]", "must hold a JSON object"),
        ('{"scene": ', "is not JSON"),
        ("null", "must hold a JSON object"),
    ],
    ids=["too large", "nested", "empty", "list", "cut off", "null"],
)
def test_an_invalid_payload_is_refused(tmp_path, text, words):
    path = tmp_path / "payload.json"
    path.write_text(text)
    with pytest.raises(RefusedError, match=words):
        read_payload_file(path)


@pytest.mark.parametrize("data", [b"\xff\xfe{}", None])
def test_an_unreadable_file_is_refused(tmp_path, data):
    path = tmp_path / "payload.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(RefusedError, match="cannot be read"):
        read_payload_file(path)


def test_a_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "payload.json"
    path.write_bytes(b'\xef\xbb\xbf{"resolution": 20}')
    assert read_payload_file(path) == {"resolution": 20}
