"""Convert backscatter between conventions with the layers of a static product."""

from rtcflow.conversion.factors import convert, factor, layers_for

__all__ = ["convert", "factor", "layers_for"]
