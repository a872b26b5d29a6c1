"""Campaigns from a terminal: plan, start, watch, pause and report them."""
