"""Differences of two products, layer by layer, to compare engines or versions."""
