"""The map grid of a burst: fixed once, so that passes and static layers line up pixel for pixel."""

from pydantic import Field

from rtcflow_contract.model import FrozenModel


class Grid(FrozenModel):
    """A north-up grid of square pixels in a projected CRS.

    `left` and `top` are the outer edges of the first pixel in metres, `spacing` its size in metres.
    """

    epsg: int = Field(gt=1023, lt=1_000_000)
    left: float = Field(allow_inf_nan=False)
    top: float = Field(allow_inf_nan=False)
    spacing: float = Field(gt=0, allow_inf_nan=False)
    rows: int = Field(gt=0, le=100_000)
    cols: int = Field(gt=0, le=100_000)

    @property
    def right(self) -> float:
        """Outer edge of the last column, metres."""
        return self.left + self.cols * self.spacing

    @property
    def bottom(self) -> float:
        """Outer edge of the last row, metres."""
        return self.top - self.rows * self.spacing

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine transform in the order of rasterio and the STAC projection extension."""
        return (self.spacing, 0.0, self.left, 0.0, -self.spacing, self.top)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Outer edges (left, bottom, right, top), metres."""
        return (self.left, self.bottom, self.right, self.top)

    @property
    def shape(self) -> tuple[int, int]:
        """Shape as (rows, cols)."""
        return (self.rows, self.cols)
