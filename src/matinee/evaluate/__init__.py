"""Evaluation: honest numbers about scorers and policies, with intervals. Start at `offline.evaluate`."""

from matinee.evaluate.offline import evaluate
from matinee.evaluate.report import Report

__all__ = ["Report", "evaluate"]
