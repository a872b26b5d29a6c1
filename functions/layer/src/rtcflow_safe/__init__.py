"""Readers of a SAFE: manifest, annotation, and which burst of the ESA burst map each of its bursts is."""
