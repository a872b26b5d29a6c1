"""Search an area, make its products, open them: `rtcflow.search`, `rtcflow.make` and `rtcflow.open_stack`."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rtcflow.progress import Unwatched
from rtcflow.task_loop import Watcher
from rtcflow_contract.burst_id import normalize_burst_id
from rtcflow_contract.job import Sources
from rtcflow_local.stack.acquisitions import Filters, Found, find_acquisitions
from rtcflow_local.stack.aoi import AreaLike, area_of_interest
from rtcflow_local.stack.making import Made, MakeSettings, make_products
from rtcflow_local.stack.opening import open_stack

__all__ = ["make", "open_stack", "search"]


def search(
    area: AreaLike,
    start: date | str,
    end: date | str,
    *,
    orbit_direction: str | None = None,
    relative_orbits: Sequence[int] = (),
    polarization: str | None = None,
    burst_ids: Sequence[str] = (),
) -> Found:
    """Search passes and bursts over an area; needs no login and downloads nothing.

    Parameters
    ----------
    area
        Path of a GeoJSON file, `west,south,east,north` in degrees, a GeoJSON object, or a shapely geometry.
    start, end : date or str
        Days of acquisition, UTC, `2023-01-31`, both included.
    orbit_direction : {'ascending', 'descending'}, optional
    relative_orbits : sequence of int, optional
    polarization : str, optional
        One that a burst must have, such as `VV`.
    burst_ids : sequence of str, optional

    Returns
    -------
    Found
        `passes` in order of time, and `bursts`; `left_out` has the scenes that cannot give a product, with reasons.

    Raises
    ------
    RefusedError
        When the area or the period is invalid.
    TransientError
        When the archive's catalogue does not answer.

    Examples
    --------
    >>> found = search("glacier.geojson", "2023-01-01", "2023-12-31")  # doctest: +SKIP
    >>> [one.pass_id for one in found.passes]  # doctest: +SKIP
    ['S1A_046594_D', 'S1A_046769_D']
    """
    filters = Filters(
        orbit_direction, tuple(relative_orbits), polarization, tuple(normalize_burst_id(b) for b in burst_ids)
    )
    return find_acquisitions(area_of_interest(area), _day(start), _day(end), filters)


def make(
    found: Found,
    out: str | Path,
    *,
    parallel: int = 1,
    scene_source: str = "asf",
    orbit_source: str | None = None,
    dem_source: str | None = None,
    geoid: str | None = None,
    watcher: Watcher | None = None,
    **fields: Any,
) -> Made:
    """Make the products of a search on this machine; existing ones are kept, a failed pass stops no other.

    Parameters
    ----------
    found : Found
    out : str or Path
        Folder; `products` and `static` are made in it.
    parallel : int
        Bursts that compute at once, 1 GB of memory each.
    scene_source : {'asf', 'cdse'}
    orbit_source, dem_source, geoid : str, optional
        Where orbits and heights come from: folder, `s3://` or `https://` prefix; the public archives by default.
    watcher : Watcher, optional
        Called for each burst that begins and ends.
    **fields
        Fields of a scene payload, such as `resolution=20` or `output_crs=3031`.

    Returns
    -------
    Made
        Numbers of bursts, and reasons for incomplete passes.

    Raises
    ------
    RefusedError
        When a field is wrong or the folder cannot be written; failures of bursts are in the result.
    """
    given = {"orbits": orbit_source, "dem": dem_source, "geoid": geoid}
    named = {name: value for name, value in given.items() if value is not None}
    sources = Sources.model_validate({"scene": scene_source, **named})
    payload = {"orbit": "best", "scene_source": scene_source, **fields}
    return make_products(found, MakeSettings(Path(out), payload, sources, parallel), watcher or Unwatched())


def _day(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day
