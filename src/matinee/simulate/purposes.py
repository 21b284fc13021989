"""What a random number of a world is for: each purpose has numbers of its own."""

from __future__ import annotations

# Ids, not an enum: compiled loops read them. They never change meaning, so that a seed keeps its world.
VISITS = 1  # how many a member makes on a day
TIMES = 2  # when each is
LEAVING = 3  # whether the member cancels on a day
PERSON = 4  # which of two people of a profile visits
SOURCE = 5  # whether a visit looks at the page, searches or follows a link
SCREEN = 6  # the device of a visit
DEPTH = 7  # how many rows of a page are looked at
WIDTH = 8  # how much of each row is looked at
TITLE = 9  # what a member makes of a title at a visit
SOUGHT = 10  # the titles that somebody who searches thinks of
DRIFT = 11  # how a taste moves
WHO = 12  # the policy's own chance, see `loop`
MESSAGE = 13  # what a member makes of a message, see `persuasion`
MOMENT = 14  # the mood of one visit
REPLY = 15  # what is answered to a suggestion
