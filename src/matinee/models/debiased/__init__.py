"""Models that learn what members like instead of what they were shown: targets corrected by propensities."""
