"""The SAFE product: annotation, calibration, noise and RFI files, manifest and measurement."""
