"""The files of a burst product: COGs, browse image, HDF5 metadata, manifest."""
