"""Checks of a state machine definition that other linters miss; every check gives a list of problems."""
