"""The native engine: radiometric terrain correction by area projection, on NumPy and Numba."""
