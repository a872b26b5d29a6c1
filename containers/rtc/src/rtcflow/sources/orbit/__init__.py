"""Orbit files: choose and fetch the one for a scene."""
