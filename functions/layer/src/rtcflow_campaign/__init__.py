"""Many scenes: campaigns over a list, and the search for new scenes of areas of interest."""
