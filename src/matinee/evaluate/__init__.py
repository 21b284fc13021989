"""Evaluation: honest numbers about scorers and policies, with intervals. Start at `offline.evaluate`."""

from matinee.evaluate.offline import evaluate

__all__ = ["evaluate"]
