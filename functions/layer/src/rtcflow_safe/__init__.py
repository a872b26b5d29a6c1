"""Readers of a SAFE: manifest, annotation, and burst ids by the ESA burst map."""
