"""Experiments: who gets which arm, what learners may see of it, and what came of it."""
