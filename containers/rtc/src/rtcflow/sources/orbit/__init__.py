"""Orbit files: which one a scene gets, and from where."""
