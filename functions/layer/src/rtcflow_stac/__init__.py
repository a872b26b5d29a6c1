"""STAC items and collections from manifests; pure functions, no AWS."""
