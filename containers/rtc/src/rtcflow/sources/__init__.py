"""Inputs of a burst: scene, orbit and DEM, fetched into a work folder."""
