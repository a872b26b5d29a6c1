"""CheckStaticLayers: find the bursts of a plan whose static layers are missing."""
