"""Data: sources in, the durable log, histories as of a time, splits, and outcomes joined to decisions."""
