"""The contract that Lambdas, containers and the command line share.

Pure models and functions; a key, a file name or a burst id is spelled here and nowhere else.
"""
