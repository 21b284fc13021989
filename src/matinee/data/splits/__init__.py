"""Splits: what may be fitted on, who asks when, and which titles they turned out to like. `split.py` cuts."""
