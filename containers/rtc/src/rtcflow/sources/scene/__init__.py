"""A scene of an archive or a SAFE: one burst of it, fetched."""
