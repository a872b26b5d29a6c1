"""Precise orbit file (POEORB): a day of state vectors around the scene, every 10 s, Earth-fixed.

Earth Observation CFI file format specification; Sentinel-1 precise orbit ephemerides auxiliary product.
"""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from rtcflow_local.sample.acquisition import SimulatedAcquisition

_STEP = 10.0  # s
_BEGIN = timedelta(hours=22, minutes=59, seconds=42)
_SPAN = timedelta(hours=26)
_PUBLISHED = timedelta(days=21, hours=12)
# Scenes shortly after midnight need the file of the day before, for the preceding ascending node.
_EARLY = timedelta(minutes=45)
_TAI_MINUS_UTC = timedelta(seconds=37)


def _orbit_file_name(acquisition: SimulatedAcquisition) -> str:
    """Name of the archive's file: valid from 22:59:42 of the day before, for 26 hours."""
    start, stop, published = _validity(acquisition)
    return (
        f"{acquisition.spec.platform}_OPER_AUX_POEORB_OPOD_{published:%Y%m%dT%H%M%S}"
        f"_V{start:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}.EOF"
    )


def write_orbit(acquisition: SimulatedAcquisition, folder: Path) -> Path:
    """Write the orbit file into a folder."""
    path = folder / _orbit_file_name(acquisition)
    start, stop, published = _validity(acquisition)
    since_node = (start - acquisition.node).total_seconds()
    times = since_node + np.arange(0.0, _SPAN.total_seconds() + _STEP / 2, _STEP)
    positions, velocities, _ = acquisition.orbit.states(times)
    revolution = np.floor_divide(times, 12 * 86400 / 175).astype(int) + acquisition.absolute_orbit
    vectors = "".join(
        _vector(
            start + timedelta(seconds=_STEP * index),
            int(revolution[index]),
            (*positions[index], *velocities[index]),
        )
        for index in range(len(times))
    )
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"""<?xml version="1.0" ?>
<Earth_Explorer_File>
  <Earth_Explorer_Header>
    <Fixed_Header>
      <File_Name>{path.stem}</File_Name>
      <File_Description>Precise Orbit Ephemerides (POE) Orbit File, simulated</File_Description>
      <Notes></Notes>
      <Mission>Sentinel-{acquisition.spec.platform[1:]}</Mission>
      <File_Class>OPER</File_Class>
      <File_Type>AUX_POEORB</File_Type>
      <Validity_Period>
        <Validity_Start>UTC={start:%Y-%m-%dT%H:%M:%S}</Validity_Start>
        <Validity_Stop>UTC={stop:%Y-%m-%dT%H:%M:%S}</Validity_Stop>
      </Validity_Period>
      <File_Version>0001</File_Version>
      <Source>
        <System>rtcflow sample</System>
        <Creator>rtcflow sample</Creator>
        <Creator_Version>1</Creator_Version>
        <Creation_Date>UTC={published:%Y-%m-%dT%H:%M:%S}</Creation_Date>
      </Source>
    </Fixed_Header>
    <Variable_Header>
      <Ref_Frame>EARTH_FIXED</Ref_Frame>
      <Time_Reference>UTC</Time_Reference>
    </Variable_Header>
  </Earth_Explorer_Header>
  <Data_Block type="xml">
    <List_of_OSVs count="{len(times)}">
{vectors}    </List_of_OSVs>
  </Data_Block>
</Earth_Explorer_File>
"""
    )
    return path


def _validity(acquisition: SimulatedAcquisition) -> tuple[datetime, datetime, datetime]:
    day = acquisition.utc(acquisition.start_us) - _EARLY
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=1) + _BEGIN
    return start, start + _SPAN, start + _PUBLISHED + timedelta(days=1)


def _vector(utc: datetime, revolution: int, state: tuple[float, ...]) -> str:
    x, y, z, vx, vy, vz = state
    return (
        f"      <OSV>\n"
        f"        <TAI>TAI={utc + _TAI_MINUS_UTC:%Y-%m-%dT%H:%M:%S.%f}</TAI>\n"
        f"        <UTC>UTC={utc:%Y-%m-%dT%H:%M:%S.%f}</UTC>\n"
        f"        <UT1>UT1={utc:%Y-%m-%dT%H:%M:%S.%f}</UT1>\n"
        f"        <Absolute_Orbit>+{revolution:05d}</Absolute_Orbit>\n"
        f'        <X unit="m">{x:.6f}</X>\n        <Y unit="m">{y:.6f}</Y>\n        <Z unit="m">{z:.6f}</Z>\n'
        f'        <VX unit="m/s">{vx:.6f}</VX>\n        <VY unit="m/s">{vy:.6f}</VY>\n'
        f'        <VZ unit="m/s">{vz:.6f}</VZ>\n'
        f"        <Quality>NOMINAL</Quality>\n"
        f"      </OSV>\n"
    )
