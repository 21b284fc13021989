"""How much looks count for a learner, so that no account and no crowd of new members moves it far in a day.

A decision of a thinned log stands for several (`Decisions.stands_for`), by which learners multiply these weights: what
a title gains counts with that, what an account counts without, as each of the accounts that it stands for may.

An account counts once a title and day, by its first look, and `ACCOUNT` in all of a day; a member counts by
`likes.standing`; those known for less than a day together count `NEW` for a title on a day, as much as one who is
known; a title gains `TITLE` a day at most. How far a weight moves a belief, `policies.posterior.most_moved` says. Days
are those of decisions, which the service times.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from matinee.decision import Decisions
from matinee.events import DAY, PLAYED, Kind, arrival
from matinee.history import Histories
from matinee.likes import FAMILIAR, standing
from matinee.maths.arrays import Doubles, Flags
from matinee.maths.ragged import owners_of

ACCOUNT = 20.0  # what an account counts in a day, over all titles
TITLE = 1_000.0  # what a title gains in a day, over all accounts
NEW = 1.0  # what a title gains in a day of members who are known for less than a day


class Standings(NamedTuple):
    """How much each member counts as of the decision, `shares` (batch,) in 0..1, and who is `new` (batch,)."""

    shares: Doubles
    new: Flags


@dataclass
class Counted:
    """What has counted on the latest day, by the decisions until `as_of` (microseconds since 1970, UTC). They come in
    the order of time, from the beginning of a day on: so what counts follows from the log alone.
    """

    as_of: int = 0
    _day: int = -1
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _accounts: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _titles: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    _of_new: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))

    def weights(self, decisions: Decisions, looked: Flags, standings: Standings) -> Doubles:
        """(lines,) what each title that was `looked` at (lines,) counts, for members of `standings` (batch,); 0 for
        other lines.
        """
        choices, weights = decisions.choices, np.zeros(len(looked))
        accounts, days = _accounts(decisions), (decisions.requests.times // DAY).tolist()
        for line in np.flatnonzero(looked).tolist():
            b = int(choices.decisions[line])
            self._begin(days[b])
            weights[line] = self._weight(
                accounts[b],
                int(choices.actions[line]),
                float(standings.shares[b]),
                bool(standings.new[b]),
                float(decisions.stands_for[b]),
            )
        self.as_of = max(self.as_of, int(decisions.requests.times.max(initial=0)))
        return weights

    def forget(self) -> None:
        """Begin again with nothing."""
        self.as_of = 0
        self._begin(-1)

    def _begin(self, day: int) -> None:
        if day != self._day:
            self._day = day
            self._seen.clear()
            self._accounts.clear()
            self._titles.clear()
            self._of_new.clear()

    def _weight(self, account: str, item: int, share: float, new: bool, stands_for: float) -> float:
        if (account, item) in self._seen:
            return 0.0
        self._seen.add((account, item))
        left = NEW - self._of_new[item] if new else TITLE
        left = min(left, TITLE - self._titles[item]) / stands_for
        weight = max(0.0, min(share, left, ACCOUNT - self._accounts[account]))
        self._of_new[item] += weight * new * stands_for
        self._accounts[account] += weight
        self._titles[item] += weight * stands_for
        return weight


def standings(decisions: Decisions, events: pl.DataFrame) -> Standings:
    """The standing of each decision's member; `events` are all of theirs, and histories are in place.

    Known since the first of them arrived; what was seen is what the decision's history says.
    """
    requests = decisions.requests
    first = events.group_by("user_id").agg(arrival().min().dt.epoch("us").alias("first"))
    known = pl.DataFrame({"user_id": requests.user_ids, "time": requests.times}).join(
        first, on="user_id", how="left", maintain_order="left"
    )
    since = (known["time"] - known["first"].fill_null(known["time"])).to_numpy().astype(np.float64)
    return Standings(standing(since, titles_seen(requests.histories)), since < FAMILIAR)


def titles_seen(histories: Histories) -> Doubles:
    """(batch,) how many titles each member played or rated."""
    played = (histories.kinds == Kind.PLAY) & (histories.values >= PLAYED)
    told = played | (histories.kinds == Kind.RATING)
    owners = owners_of(histories.offsets)[told]
    pairs = np.unique(np.stack([owners, histories.items[told]]), axis=1)
    return np.bincount(pairs[0], minlength=len(histories)).astype(np.float64)


def _accounts(decisions: Decisions) -> list[str]:
    """(batch,) the account of each member, or the member where no account is known."""
    requests = decisions.requests
    accounts = requests.people.account_ids.gather(requests.members)
    both = zip(accounts.to_list(), requests.user_ids.to_list(), strict=True)
    return [f"account {account}" if account else f"member {user}" for account, user in both]
