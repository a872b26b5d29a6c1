"""DEM and geoid: the heights below a burst's grid."""
