"""The verb's part that judges a policy which never ran, from a workspace's log; options of what is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matinee.cli.terminal import progress_bar, show
from matinee.workspace import Workspace


class Rewarded(StrEnum):
    """What counts as success: the rewards of `data.rewards` that are shares."""

    PLAYED = "played"
    OPENED = "opened"
    COMPLETED = "completed"
    LIKED = "liked"
    ENJOYED = "enjoyed"


Counted = Annotated[Rewarded, typer.Option("--reward", help="What counts as success, in a log.")]
Within = Annotated[
    float, typer.Option("--days", min=1e-3, max=366, help="Days after a logged decision in which it counts.")
]
Never = Annotated[
    str | None,
    typer.Option("--policy", help="Judge this policy from the log: uniform, home, home:exploration=0, a file, ..."),
]
Surface = Annotated[str | None, typer.Option("--surface", help="Of --policy uniform: whose decisions.")]
Since = Annotated[
    datetime | None,
    typer.Option("--since", formats=["%Y-%m-%d"], help="Of --policy: decisions from this day on."),
]


def never_ran(
    policy: str,
    workspace: Path,
    surface: str | None,
    reward: Rewarded,
    days: float,
    since: datetime | None,
    html: Path | None,
    as_json: bool,
    seed: int = 0,
) -> None:
    """Say what the log of a workspace tells of a policy that never ran."""
    from matinee.recipes.hindsight import counterfactual
    from matinee.report.counterfactual import CounterfactualReport

    first = 0 if since is None else int(since.replace(tzinfo=UTC).timestamp()) * 1_000_000
    with progress_bar(policy) as progress:
        found = counterfactual(Workspace(workspace), policy, reward.value, days, first, surface, progress, seed)
    show(CounterfactualReport(found), html, as_json)
