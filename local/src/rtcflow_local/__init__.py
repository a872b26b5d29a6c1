"""The laptop side of rtcflow: AWS twin, sample scene, run report."""
