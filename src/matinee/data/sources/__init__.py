"""Sources: each module reads one real thing into a `Dataset`; `reading` tells which one a path is."""
