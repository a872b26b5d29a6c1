"""Engines turn fetched inputs into the layers of a burst product."""
