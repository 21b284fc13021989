"""Content: what titles are, as vectors, and the scorers that know nothing else or mix it in."""
