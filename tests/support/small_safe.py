"""The few files of a SAFE that planning reads: manifest.safe and annotation, with the elements it needs."""

import io
import zipfile
from datetime import datetime, timedelta

SCENE = "S1A_IW_SLC__1SDV_20220101T124744_20220101T124814_041267_04E7A2_1DAD"
TRACK = 70
START = datetime(2022, 1, 1, 12, 47, 45)
ANX_S = 1000.0
# Burst numbers of the formula for ANX_S on track 70, one burst cycle apart.
BURST_IDS = ("t070_148570_iw1", "t070_148571_iw1", "t070_148570_iw2", "t070_148571_iw2")


def annotation(swath: str, polarization: str, numbers: tuple[int, ...] = (148570, 148571)) -> str:
    offset = {"iw1": 0.0, "iw2": 0.832, "iw3": 1.91}[swath]
    bursts = "".join(
        f"<burst><azimuthTime>{(START + timedelta(seconds=offset + 2.758 * index)).isoformat()}</azimuthTime>"
        f"<azimuthAnxTime>{ANX_S + offset + 2.758 * index}</azimuthAnxTime><burstId>{number}</burstId></burst>"
        for index, number in enumerate(numbers)
    )
    return (
        f"<product><adsHeader><swath>{swath.upper()}</swath><polarisation>{polarization}</polarisation></adsHeader>"
        f"<swathTiming><burstList>{bursts}</burstList></swathTiming></product>"
    )


def manifest(paths: list[str]) -> str:
    files = "".join(
        f'<dataObject><byteStream><fileLocation href="./{p}"/></byteStream></dataObject>' for p in paths
    )
    return (
        '<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1" xmlns:safe="http://www.esa.int/safe/sentinel-1.0">'
        f'<safe:relativeOrbitNumber type="start">{TRACK}</safe:relativeOrbitNumber>'
        f'<safe:relativeOrbitNumber type="stop">{TRACK}</safe:relativeOrbitNumber>{files}</xfdu:XFDU>'
    )


def safe_files(
    swaths: tuple[str, ...] = ("iw1", "iw2"), polarizations: tuple[str, ...] = ("VV", "VH")
) -> dict[str, str]:
    """Path below the SAFE folder to text."""
    files = {
        f"annotation/s1a-{swath}-slc-{pol.lower()}-x.xml": annotation(swath, pol)
        for swath in swaths
        for pol in polarizations
    }
    listed = [*files, "annotation/calibration/noise-x.xml", "measurement/s1a-iw1-slc-vv-x.tiff"]
    return {"manifest.safe": manifest(listed), **files}


def zipped(files: dict[str, str], padding: int = 0) -> bytes:
    """The SAFE as a zip, with a measurement of `padding` bytes in the middle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index, (path, text) in enumerate(files.items()):
            archive.writestr(f"{SCENE}.SAFE/{path}", text)
            if index == 0:
                archive.writestr(
                    zipfile.ZipInfo(f"{SCENE}.SAFE/measurement/s1a-iw1-slc-vv-x.tiff"), bytes(padding)
                )
    return buffer.getvalue()
