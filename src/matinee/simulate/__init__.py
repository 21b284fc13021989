"""A world that knows the truth: members who visit, look, play, enjoy, return and leave, whatever policy decides."""
