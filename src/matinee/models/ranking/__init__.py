"""A second stage: boosted trees over what other scorers say, and over lists that were shown. Needs the extra `rank`."""
