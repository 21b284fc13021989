"""Outreach of a workspace: `run` decides for all, `learning` reads the log, `sends` hands on."""
