"""Geometric accuracy of products: where point targets appear, and where they stand."""
