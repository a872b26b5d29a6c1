"""Print an answer as a table, or write it as CSV or JSON."""

import io
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv
from rich.console import Console
from rich.table import Table

# More rows belong in a file.
_MOST_ROWS = 200
_WIDE = 1000


class Format(StrEnum):
    """Format of an answer."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def show(answer: pa.Table, kind: Format, to: Path | None) -> None:
    """Write an answer to a file, or to the terminal."""
    if kind is Format.TABLE:
        _show_table(answer, to)
        return
    text = _csv(answer) if kind is Format.CSV else _json(answer)
    if to is None:
        sys.stdout.write(text)
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text, encoding="utf-8")


def _csv(answer: pa.Table) -> str:
    data = io.BytesIO()
    csv.write_csv(answer, data, csv.WriteOptions(quoting_style="needed"))
    return data.getvalue().decode()


def _json(answer: pa.Table) -> str:
    return json.dumps(answer.to_pylist(), indent=1, default=_plain) + "\n"


def _show_table(answer: pa.Table, to: Path | None) -> None:
    rows = answer.to_pylist() if to else answer.slice(0, _MOST_ROWS).to_pylist()
    table = Table(*answer.column_names, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(cell(row[name], name) for name in answer.column_names))
    if to is None:
        # Output to a pipe must not be cut to a width.
        console = Console(
            width=None if sys.stdout.isatty() else _WIDE, highlight=False, markup=False, emoji=False
        )
        console.print(table)
        left = answer.num_rows - len(rows)
        console.print(
            f"{answer.num_rows} {'row' if answer.num_rows == 1 else 'rows'}"
            + (f", {left} not shown; write them with --out" if left > 0 else "")
        )
        return
    with to.open("w", encoding="utf-8") as file:
        Console(file=file, width=_WIDE, highlight=False, markup=False, emoji=False).print(table)


def cell(value: Any, name: str) -> str:
    """Format a value for people: sizes in GB, times to the second."""
    if value is None:
        return ""
    if name == "bytes":
        return f"{value / 1e9:,.3f} GB"
    if hasattr(value, "tzinfo"):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return str(value)


def _plain(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
