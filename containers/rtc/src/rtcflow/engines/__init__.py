"""Engines: what turns fetched inputs into the layers of a burst product."""
