"""Readers of Sentinel-1 IW SLC products: annotation, calibration, noise, orbit, measurement."""
