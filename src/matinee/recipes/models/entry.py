"""One entry of the registry: everything that is said of a model by its name, in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from matinee.decision import Scorer
from matinee.recipes.models.work import WorkOf

NCF, NEXT_ITEM, STRONG, SHOWN_LISTS, IN_TIME = "ncf", "next-item", "strong", "shown-lists", "in-time"
NO_PRIOR = 1e-6  # kappa: published protocols ask members with long histories, and the published models know no prior
HALF_LIVES = (None, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # in later likes
KAPPA = (1e-3, 30.0)  # history length at which popularity counts half


class Choices(Protocol):
    """What an optuna trial offers, searching or fixed."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between two."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number between two, both included."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of some."""
        ...


Make: TypeAlias = Callable[[], Scorer]
Space: TypeAlias = Callable[[Choices], Scorer]


@dataclass(frozen=True, slots=True)
class Model:
    """A model by its name: its type, its settings, what tuning may choose from, and where it stands on leaderboards.

    `type_name`: what a manifest calls the type; `type` imports it when it is asked for, so that a service without
    networks starts without torch. `work`: what a fit with its own settings takes, by counts of the data. `settings`:
    builds it unfitted, by default with the type's defaults. `space`: None for a model that is not tuned. `boards`:
    leaderboard (`NCF`, `NEXT_ITEM`, `STRONG`, `SHOWN_LISTS`, `IN_TIME`) -> name there -> settings that suit its
    protocol, None for the model's own. In time every model stands with its own settings besides, unless it
    `ranks_lists` and learns from nothing else.
    """

    type_name: str
    type: Callable[[], type[Scorer]]
    work: WorkOf
    settings: Make | None = None
    space: Space | None = None
    boards: Mapping[str, Mapping[str, Make | None]] = field(default_factory=dict)
    ranks_lists: bool = False

    def make(self) -> Scorer:
        """A new scorer, not fitted. Raises `MissingExtra` when a package that it needs is not installed."""
        return self.settings() if self.settings else self.type()()

    def on(self, board: str, name: str) -> dict[str, Make]:
        """The model, called `name`, as it stands on a leaderboard: by the names there."""
        itself: Mapping[str, Make | None] = {name: None} if board == IN_TIME and not self.ranks_lists else {}
        return {called: settings or self.make for called, settings in {**itself, **self.boards.get(board, {})}.items()}


def kappa(choose: Choices) -> float:
    """The history length at which popularity counts half."""
    return choose.suggest_float("kappa", *KAPPA, log=True)


def half_life(choose: Choices) -> float | None:
    """How many later likes halve the weight of a like; None: no like ages."""
    found: float | None = choose.suggest_categorical("half_life", HALF_LIVES)
    return found
