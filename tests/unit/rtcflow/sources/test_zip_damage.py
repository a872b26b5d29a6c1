"""A zip that is damaged inside, compressed in other ways, or unpacks to more than a file of its kind can have."""

import zipfile

import pytest

from rtcflow.progress import silent
from rtcflow.resources import Meter
from rtcflow.sources.scene.safe_burst import fetch_burst, open_scene
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.layers import Product
from tests.support.burst_case import BURSTS, SCENE, safe_files, stem

MEASUREMENT = f"measurement/{stem('iw1', 'VV')}.tiff"


def pack(folder, mode=zipfile.ZIP_DEFLATED, ending=".zip", **changes):
    path = folder / f"{SCENE}{ending}"
    with zipfile.ZipFile(path, "w", mode) as out:
        for name, content in (safe_files() | changes).items():
            out.writestr(f"{SCENE}.SAFE/{name}", content)
    return path


def damage(path, name, at=0.5):
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{SCENE}.SAFE/{name}")
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename) + int(info.compress_size * at)
    for k in range(3):
        data[start + k] ^= 0xFF
    path.write_bytes(data)


def fetch(path, folder, product=Product.RTC_S1):
    return fetch_burst(str(path), SCENE, BURSTS[0], ("VV",), product, folder / "work", Meter(), silent)


@pytest.mark.parametrize("mode", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
# In the burst's lines and after them: the checksum covers the whole member.
@pytest.mark.parametrize("at", [0.6, 0.97])
def test_a_damaged_measurement_is_refused_wherever_the_damage_is(tmp_path, mode, at):
    path = pack(tmp_path, mode)
    damage(path, MEASUREMENT, at)
    with pytest.raises(RefusedError, match=MEASUREMENT) as caught:
        fetch(path, tmp_path)
    assert caught.value.reason in ("corrupt-zip", "corrupt-tiff")


@pytest.mark.parametrize("mode", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_packing_that_python_reads_is_read(tmp_path, mode):
    assert fetch(pack(tmp_path, mode), tmp_path).burst.burst_id == BURSTS[0]


@pytest.mark.parametrize(
    ("local", "central", "value", "said"),
    [(6, 8, 1, "is encrypted"), (8, 10, 93, "is packed by method 93")],
    ids=["encrypted", "Zstandard"],
)
def test_a_zip_that_is_whole_and_cannot_be_unpacked_here_is_not_called_damaged(
    tmp_path, local, central, value, said
):
    path = pack(tmp_path)
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + at] = value
    path.write_bytes(data)
    with pytest.raises(RefusedError, match=f"{said}, .* unpack the zip and give the folder"):
        fetch(path, tmp_path)


@pytest.mark.parametrize("mode", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "name",
    [
        "manifest.safe",
        f"annotation/{stem('iw1', 'VV')}.xml",
        f"annotation/{stem('iw2', 'VV')}.xml",
        f"annotation/calibration/noise-{stem('iw1', 'VV')}.xml",
    ],
)
def test_any_damaged_member_that_is_read_is_refused_by_name(tmp_path, mode, name):
    path = pack(tmp_path, mode)
    damage(path, name)
    with pytest.raises(RefusedError, match=name):
        fetch(path, tmp_path)
    assert not (tmp_path / "work" / f"{SCENE}.SAFE" / name).exists()


@pytest.mark.parametrize(
    "mode", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
@pytest.mark.parametrize("ending", [".zip", ".ZIP", ".SAFE.zip"])
def test_a_sound_zip_is_read_and_its_checksums_compared(tmp_path, mode, ending):
    fetched = fetch(pack(tmp_path, mode, ending), tmp_path)
    assert fetched.unchecked == ()
    assert fetched.files["VV"].measurement.is_file()


def test_a_member_that_unpacks_to_more_than_its_kind_has_is_refused_unread(tmp_path):
    path = pack(
        tmp_path, **{f"annotation/{stem('iw1', 'VV')}.xml": b"<product>" + b" " * 120_000_000 + b"</product>"}
    )
    for read in (lambda: fetch(path, tmp_path), lambda: open_scene(str(path), SCENE, Meter()).bursts()):
        with pytest.raises(RefusedError, match="unpacks to 120 MB"):
            read()


def test_a_member_whose_name_leads_out_of_the_folder_is_ignored(tmp_path):
    path = pack(tmp_path, **{"annotation/s1a-iw1-slc-vv-/../../../../out.xml": b"<product/>"})
    assert not any(".." in name for name in open_scene(str(path), SCENE, Meter()).names)
    fetch(path, tmp_path)


def test_a_zip_that_is_cut_off_is_refused(tmp_path):
    path = pack(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RefusedError, match="not a readable zip"):
        fetch(path, tmp_path)
