"""The steps of a scene: plan it, check its static layers, write its STAC items, report it."""
