"""Fetch one burst of a scene from an archive or a SAFE."""
