"""`rtcflow convert`: convert backscatter to another convention with the burst's static layers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rtcflow.conversion import convert_product
from rtcflow_contract.backscatter import Backscatter


def convert(
    product: Annotated[Path, typer.Argument(help="Folder of an RTC_S1 product.")],
    static: Annotated[Path, typer.Argument(help="Folder of the burst's RTC_S1_STATIC product.")],
    to: Annotated[Backscatter, typer.Option(help="Convention wanted.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
) -> None:
    """Write a product's backscatter as gamma0, sigma0, beta0 or sigma0_ellipsoid."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    for path in convert_product(product, static, to, out):
        console.print(str(path))
