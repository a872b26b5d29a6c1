"""Executions on AWS or the twin: start one, follow it, report it."""
