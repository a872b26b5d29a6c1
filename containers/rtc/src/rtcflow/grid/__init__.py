"""The map grid of a burst: where it comes from and how it is kept."""
