"""Start, follow and report executions on AWS or the twin."""
