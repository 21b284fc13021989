"""Play something: one suggestion at a time, and a belief over the mood of the moment that follows the answers."""
