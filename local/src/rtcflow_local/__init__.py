"""The laptop side of rtcflow: AWS twin, sample scene, run report."""

# Import rtcflow before Numba: it sets the CPU that kernels are compiled for.
import rtcflow as rtcflow
