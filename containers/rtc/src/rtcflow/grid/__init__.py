"""The map grid of a burst: its origin and storage."""
