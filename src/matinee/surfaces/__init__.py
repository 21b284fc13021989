"""Surfaces: policies for every place where a title can appear. Read `home.py` first: it is the flow."""
