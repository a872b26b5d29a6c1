"""The laptop side of rtcflow: AWS twin, sample scene, run report."""

# Before anything here imports Numba: the package says for which CPU kernels are compiled.
import rtcflow as rtcflow
