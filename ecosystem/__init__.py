"""Products of the sample in the tools that people have: `make ecosystem`. Runs in an environment of its own."""
