"""Days as options of a command line."""

from datetime import datetime

from rtcflow_contract.errors import RefusedError

DAY = "YYYY-MM-DD"


def parse_day(text: str) -> datetime:
    """A day written like 2023-01-31.

    Raises
    ------
    RefusedError
        When it is not one.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d")
    except ValueError as error:
        raise RefusedError(f"'{text}' is not a day; write it like 2023-01-31", "day") from error
