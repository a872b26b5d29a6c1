"""Scenes for a catalogue on loopback, and the area that they are in."""

import json
from datetime import UTC, datetime, timedelta

from tests.support.cmr_catalogue import Granule

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
INSIDE, OUTSIDE = (150.0, -34.0), (10.0, 50.0)
SQUARE = [[149.0, -35.0], [151.0, -35.0], [151.0, -33.0], [149.0, -33.0], [149.0, -35.0]]


def scene_name(number: int, *, unique: str = "1DAD", polarization: str = "DV", platform: str = "S1A") -> str:
    """A scene taken `number` minutes after the start of 2026-03-01."""
    start = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number)
    stop = start + timedelta(seconds=27)
    return f"{platform}_IW_SLC__1S{polarization}_{start:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}_041267_04E7A2_{unique}"


def granule(number: int, *, hours_ago: float = 1.0, at=INSIDE, **fields) -> Granule:
    names = {key: fields.pop(key) for key in ("unique", "polarization", "platform") if key in fields}
    return Granule(scene_name(number, **names), NOW - timedelta(hours=hours_ago), at, **fields)


def feature(name: str = "coast", square=SQUARE, **properties) -> dict:
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [square]},
        "properties": {"name": name, **properties},
    }


def put_area(s3, *features: dict, file: str = "areas/a.geojson") -> None:
    document = (
        features[0] if len(features) == 1 else {"type": "FeatureCollection", "features": list(features)}
    )
    s3.put_object(Bucket="work", Key=file, Body=json.dumps(document).encode())
