"""The entries of the registry, a family a file: for each model its type, search space and leaderboard settings."""
