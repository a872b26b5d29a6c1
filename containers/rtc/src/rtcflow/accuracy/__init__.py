"""Geometric accuracy of products, from point targets."""
