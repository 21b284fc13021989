"""Sources: each module reads one real thing into a `Dataset`."""
