"""Differences of two products, layer by layer: how far two engines, or two versions of one, agree."""
