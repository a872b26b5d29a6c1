"""Benchmarks: what a burst costs on this machine. They are no tests and assert nothing about time."""
