"""What `--dem` names: a DEM, a raster of a user's own, or the folder or prefix in which tiles lie."""

from pathlib import Path

from rtcflow_contract.dem import ELLIPSOID, is_own


def choose_dem(text: str | None, datum: str | None, source: str) -> tuple[dict[str, str], str]:
    """Fields of the payload, and where tiles come from.

    Parameters
    ----------
    text, datum : str or None
        Of `--dem` and `--dem-datum`; heights of a raster on this machine's command line are above the ellipsoid unless
        it says otherwise.
    source : str
        Where tiles come from unless the text says so, or one raster of heights above the ellipsoid.
    """
    fields = {} if datum is None else {"dem_datum": datum}
    if text is None:
        return fields, _absolute(source) if is_own(source) else source
    if is_own(text):
        return {"dem": _absolute(text), "dem_datum": datum or ELLIPSOID}, source
    if "/" in text or Path(text).exists():
        return fields, text
    return {**fields, "dem": text}, source


def _absolute(path: str) -> str:
    """A path of this machine in full, so that it names the same file wherever the command runs; a URI as it is."""
    return path if "://" in path else str(Path(path).expanduser().absolute())
