"""The demo: run the sample scene through the state machine on the twin, and export the products to a folder."""
