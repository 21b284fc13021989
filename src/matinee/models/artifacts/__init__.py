"""Artifacts: fitted scorers as folders that are verified before they are believed, and what they may cost."""
