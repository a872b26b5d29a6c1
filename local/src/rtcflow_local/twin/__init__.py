"""The twin: the deployed system on a laptop, with an emulator for AWS and subprocesses for containers."""
