"""CheckStaticLayers: which bursts of a plan lack the static layers they are to be linked to."""
