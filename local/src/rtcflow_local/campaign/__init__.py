"""Campaigns from a terminal: plan one, start it, watch it, pause it, report it."""
