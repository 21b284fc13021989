"""Watching together: one page for two or more, that says whom each title is for."""
