"""Sentinel-1 radiometrically terrain corrected gamma0 backscatter, burst by burst."""
