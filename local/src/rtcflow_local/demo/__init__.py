"""The demo: the sample scene through the deployed state machine on the twin, to a folder a person opens."""
