"""`rtcflow report`: the run report of an execution on AWS or the twin."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow.cli.outputs import check_outputs
from rtcflow_local.report.aws import Clients
from rtcflow_local.report.figures import size
from rtcflow_local.report.report_page import write_report


def report(
    execution_arn: Annotated[str, typer.Argument(help="ARN of the execution, as printed by `rtcflow run`.")],
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    endpoint_url: Annotated[
        str | None, typer.Option(help="Endpoint instead of AWS, such as that of `rtcflow twin status`.")
    ] = None,
    products: Annotated[
        str | None,
        typer.Option(help="Copy of the products bucket to link to: a URL, or a path beside the report."),
    ] = None,
) -> None:
    """Write the run report of an execution: one HTML file that needs no network."""
    check_outputs(out=out)
    clients = Clients(endpoint_url)
    data = write_report(execution_arn, out, clients("stepfunctions"), clients("s3"), products_href=products)
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    console.print(f"{data.execution.scene or data.execution.name} {data.execution.sentence}", markup=False)
    console.print(f"report {out}, {size(out.stat().st_size)}", markup=False)
