"""Many scenes: campaigns through a list, and the search for new scenes of areas of interest."""
