"""Find campaign lists on this machine or in S3, and upload them to the work bucket."""

from pathlib import Path
from typing import Any, NamedTuple

from rtcflow_campaign.campaign_list import make_items, parse_list
from rtcflow_contract.campaign import SCENES, STATIC
from rtcflow_contract.errors import RefusedError
from rtcflow_contract.keys import Location, parse_s3_uri
from rtcflow_files import storage

_ENDINGS = (".jsonl", ".csv")


class Lists(NamedTuple):
    """Paths or `s3://` locations of a campaign's lists."""

    scenes: str
    static: str | None


def find_lists(source: str, static: str | None) -> Lists:
    """Find the lists in a folder, or at a file or `s3://` location.

    Parameters
    ----------
    source : str
        Folder that `rtcflow campaign plan` wrote, or a list in JSONL or CSV.
    static : str or None
        List of static layers, instead of the folder's.
    """
    if not source.startswith("s3://") and Path(source).is_dir():
        scenes, own = Path(source) / SCENES, Path(source) / STATIC
        if not scenes.is_file():
            raise RefusedError(f"{source} holds no {SCENES}; plan the campaign first", reason="campaign-list")
        return Lists(str(scenes), static or (str(own) if own.is_file() else None))
    return Lists(source, static)


def _read_list(source: str, client: Any) -> str:
    """Read the text of a list; RefusedError if it cannot be read or is neither JSONL nor CSV."""
    if not source.endswith(_ENDINGS):
        raise RefusedError(f"list {source} is neither .jsonl nor .csv; rename it", reason="campaign-list")
    if source.startswith("s3://"):
        data = storage.read_bytes(parse_s3_uri(source), client)
    else:
        try:
            data = Path(source).read_bytes()
        except OSError as error:
            raise RefusedError(
                f"list {source} cannot be read ({error.strerror}); give another path", reason="file"
            ) from error
    return data.decode("utf-8-sig", errors="replace")


def upload_list(
    source: str,
    folder: Location,
    name: str,
    products_bucket: str,
    client: Any,
    leave_out_wrong: bool = False,
) -> str:
    """Check a list and upload it to a campaign's folder; returns its S3 URI.

    Parameters
    ----------
    source : str
    folder : Location
        Of the campaign.
    name : str
        `scenes.jsonl` or `static.jsonl`; a CSV keeps its ending.
    products_bucket : str
    client
        S3 client.
    leave_out_wrong : bool
        Accept the list anyway: the campaign leaves such lines out and reports them.

    Raises
    ------
    RefusedError
        When lines cannot work, unless `leave_out_wrong`; names the lines.
    """
    text = _read_list(source, client)
    checked = make_items(parse_list(text, source), products_bucket, "0")
    if not leave_out_wrong or not checked.items:
        checked.refuse_wrong(source)
    if not checked.items:
        raise RefusedError(f"list {source} has no scene", reason="campaign-list")
    at = folder.join(name.replace(".jsonl", source[source.rindex(".") :]))
    storage.write_bytes(at, text.encode(), client)
    return str(at)
