"""The contract: everything that the Lambdas, the container and the command line agree on.

Pure models and functions; a key, a file name or a burst id is spelled here and nowhere else.
"""
