"""Listings of the archive from a catalogue on loopback, as the input of missing dates."""

import json
import threading
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest
from typer.testing import CliRunner

from rtcflow_contract.errors import DefectError, RefusedError
from rtcflow_local.inventory.archive_listing import as_csv, list_archive
from rtcflow_local.inventory.command import app
from tests.support.inventory_case import BURSTS, Spec, put_product, scene_of


def granule(day, polarization="VV", burst="070_149815_IW3"):
    attributes = {
        "BURST_ID_FULL": burst,
        "BURST_INDEX": "1",
        "POLARIZATION": polarization,
        "AZIMUTH_TIME": f"2022-01-{1 + day:02}T12:47:52.5Z",
    }
    umm = {
        "InputGranules": [f"{scene_of(day)}-SLC"],
        "AdditionalAttributes": [{"Name": n, "Values": [v]} for n, v in attributes.items()],
    }
    return {"meta": {"concept-id": f"{burst}{day}{polarization}"}, "umm": umm}


@pytest.fixture
def cmr(monkeypatch):
    """A catalogue that answers with the given granules; gives what it was asked."""
    asked, items = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            body = json.dumps({"hits": len(items), "items": items}).encode()
            self.send_response(200)
            self.send_header("CMR-Hits", str(len(items)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("RTCFLOW_CMR_URL", f"http://127.0.0.1:{server.server_port}")
    yield asked, items
    server.shutdown()
    server.server_close()


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if result.exception is not None:
        raise result.exception
    return result.output


def test_dates_that_are_missing_are_found_from_the_archive(aws, tmp_path, cmr):
    asked, items = cmr
    items += [granule(day, pol) for day in (0, 12, 24) for pol in ("VV", "VH")]
    put_product(Spec(0, 0))
    put_product(Spec(0, 24))
    inventory, listing = str(tmp_path / "inventory"), str(tmp_path / "archive.csv")
    run("build", "s3://products", "--inventory", inventory)
    period = ("--start", "2022-01-01", "--end", "2022-01-31")
    said = run("archive", *period, "--out", listing, "--inventory", inventory)
    assert "3 dates of 1 bursts" in said
    assert asked[0]["attribute[]"] == ["string,BURST_ID_FULL,070_149815_IW3"]
    assert asked[0]["temporal"] == ["2022-01-01T00:00:00Z,2022-01-31T23:59:59Z,"]
    sentence = run("missing-dates", "--archive", listing, "--inventory", inventory, "--format", "json")
    (row,) = json.loads(sentence)
    assert (row["burst_id"], row["date"], row["scene"]) == (BURSTS[0], "2022-01-13", scene_of(12))
    assert row["collection"] == "s1_rtc_c1"


class Granules:
    def __init__(self, *items):
        self.items = list(items)

    def granules(self, **options):
        return self.items


def test_a_date_is_listed_once_whatever_its_polarizations():
    rows = list(
        list_archive(
            [BURSTS[0], BURSTS[0]],
            date(2022, 1, 1),
            date(2022, 1, 31),
            Granules(granule(12, "VH"), granule(0), granule(0, "VH")),
            lambda text: None,
        )
    )
    assert [(row.burst_id, row.sensing_start.day) for row in rows] == [(BURSTS[0], 1), (BURSTS[0], 13)]
    assert as_csv(rows).splitlines()[1] == f"{BURSTS[0]},{scene_of(0)},2022-01-01T12:47:52Z"


def test_a_granule_in_another_form_is_a_defect():
    broken = {"umm": {"InputGranules": []}}
    with pytest.raises(DefectError, match="unknown form"):
        list(
            list_archive([BURSTS[0]], date(2022, 1, 1), date(2022, 2, 1), Granules(broken), lambda text: None)
        )


def test_a_wrong_burst_or_period_is_refused(tmp_path):
    with pytest.raises(RefusedError, match="not a burst id"):
        run("archive", "--start", "2022-01-01", "--end", "2022-01-02", "--burst-id", "x")
    with pytest.raises(RefusedError, match="swap them"):
        run("archive", "--start", "2022-01-02", "--end", "2022-01-01")


def test_items_are_published_again_after_their_collections(aws, tmp_path, monkeypatch):
    import rtcflow_local.inventory.static_catalogue as module

    for burst in range(3):
        put_product(Spec(burst, made=datetime(2025, 4, 8 + burst, tzinfo=UTC)))
    run("build", "s3://products", "--inventory", str(tmp_path))
    sent = []
    monkeypatch.setattr(module, "publish", lambda topic, message, *more: sent.append(json.loads(message)))
    where = ("--where", "created > '2025-04-08'", "--inventory", str(tmp_path), "--topic", "arn")
    assert "2 items; nothing was published" in run("publish", *where)
    assert sent == []
    assert "2 items published" in run("publish", *where, "--yes")
    assert [message["type"] for message in sent] == ["Collection", "Feature", "Feature"]
    assert "rtcflow:item" not in sent[1]["properties"]
