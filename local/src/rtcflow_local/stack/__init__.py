"""Stacks of an area and a period: search passes, make their products, and combine them in a cube."""
