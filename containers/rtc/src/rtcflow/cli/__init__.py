"""The command line `rtcflow`."""
