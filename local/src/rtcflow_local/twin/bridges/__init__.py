"""Fixes for differences of the emulator from AWS that matter to this system, by what they concern."""
