"""A decision as people and programs read it: names for numbers, and the reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import Decisions, Dials, Layer, Pages
from matinee.decision.evidence import row_title, suggestion_reason, title_reasons
from matinee.decision.messages import Reason, told_by, words
from matinee.decision.rows import KIND_NAMES
from matinee.decision.whom import Watcher, reason_for_all, title_for_all, watchers_of, whom_in_words
from matinee.profile import Profile
from matinee.service.coming import coming
from matinee.service.fallback import Unanswered
from matinee.service.responses import (
    BillboardOut,
    ChosenOut,
    DialsOut,
    FallbackOut,
    HeadOut,
    ItemOut,
    MessageOut,
    MissOut,
    NextOut,
    OutreachOut,
    PageOut,
    ProfileOut,
    RowOut,
    SuggestionOut,
    TitleOut,
    TogetherOut,
    WatcherOut,
)


class Presenter:
    """Turns dense indexes into what is shown; the catalogue's columns are unpacked once."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @cached_property
    def _genres(self) -> list[list[str]]:
        return self._catalog.titles["genres"].to_list()

    @cached_property
    def _images(self) -> list[str | None]:
        return self._catalog.titles["image_url"].to_list()

    @cached_property
    def _artworks(self) -> list[list[str]]:
        return self._catalog.titles["artworks"].to_list()

    @cached_property
    def _years(self) -> list[int | None]:
        return self._catalog.titles["released"].dt.year().to_list()

    def title(self, item: int) -> TitleOut:
        """One title of the catalogue."""
        return {
            "item_id": self._catalog.item_ids[item],
            "title": self._catalog.names[item],
            "year": self._years[item],
            "genres": self._genres[item],
            "image_url": self._images[item],
        }

    def page(self, decisions: Decisions, explain: bool = True, missed: tuple[Unanswered, ...] = ()) -> PageOut:
        """Decision 0 of a batch, in full."""
        pages = decisions.page()
        used = np.flatnonzero(pages.rows[0] >= 0).tolist()
        up_next = coming(self._catalog, decisions.requests, set(decisions.titles.tolist()))
        return {
            **self._head(decisions, missed),
            "dials": _dials(decisions.requests.dials),
            "exploration": decisions.requests.exploration,
            "rows": [self._row(pages, r, explain, up_next) for r in used],
            "timings": _milliseconds(decisions),
        }

    def billboards(
        self, decisions: Decisions, explain: bool = True, missed: tuple[Unanswered, ...] = ()
    ) -> list[BillboardOut]:
        """A batch of pages of one title each, in short."""
        pages, log_probs = decisions.page(), decisions.log_probs.tolist()
        users, fallback = decisions.requests.user_ids.to_list(), _fallback(decisions.fallback, missed)
        told: list[BillboardOut] = []
        for b, (decision_id, user_id) in enumerate(zip(decisions.ids, users, strict=True)):
            one: BillboardOut = {
                "decision_id": decision_id,
                "user_id": user_id,
                "log_prob": log_probs[b],
                "fallback": fallback,
                "item": self._chosen(pages, b, explain),
            }
            if one["item"] is None and (note := _note(decisions, b)):
                one["note"] = note
            told.append(one)
        return told

    def _chosen(self, pages: Pages, b: int, explain: bool) -> ChosenOut | None:
        """The first title of page `b`."""
        item, art = int(pages.items[b, 0, 0]), int(pages.art[b, 0, 0])
        if item < 0:
            return None
        chosen: ChosenOut = {
            "item_id": self._catalog.item_ids[item],
            "title": self._catalog.names[item],
            "score": float(pages.scores[b, 0, 0]),
            "log_prob": float(pages.item_log_probs[b, 0, 0]),
        }
        if explain:
            (chosen["reason"],) = title_reasons(pages, b, 0, self._catalog)
        if art >= 0:
            chosen["art"] = art
            chosen["presentation_log_prob"] = float(pages.presentation_log_probs[b, 0, 0])
            chosen["artwork_url"] = self._artworks[item][art] if self._artworks[item] else None
        return chosen

    def suggestion(
        self, decisions: Decisions, explain: bool = True, missed: tuple[Unanswered, ...] = ()
    ) -> SuggestionOut:
        """Decision 0 of a batch, which is of one title or none."""
        up_next = coming(self._catalog, decisions.requests, decisions.titles.tolist())
        episodes, placed = decisions.requests.episodes, self._placed(decisions.page(), 0, up_next)
        if explain and placed:
            placed[0]["reason"] = suggestion_reason(decisions, 0, self._catalog)
        return {
            **self._head(decisions, missed),
            "step": 0 if episodes is None else int(episodes.steps[0]),
            "title": placed[0] if placed else None,
            "timings": _milliseconds(decisions),
        }

    def outreach(self, decisions: Decisions, missed: tuple[Unanswered, ...] = ()) -> OutreachOut:
        """Decision 0 of a batch, which is a message or silence."""
        items, reasons = told_by(decisions)
        sent = [self._message(decisions.ids[0], *one) for one in zip(items.tolist(), reasons.tolist(), strict=True)]
        return {
            **self._head(decisions, missed),
            "message": sent[0] if sent else None,
            "timings": _milliseconds(decisions),
        }

    def _message(self, decision_id: str, item: int, reason: int) -> MessageOut:
        title, why = self.title(item), Reason(reason)
        said = words(why, title["title"])
        return {"decision_id": decision_id, "title": title, "reason": why.name.lower(), "message": said}

    def _head(self, decisions: Decisions, missed: tuple[Unanswered, ...]) -> HeadOut:
        """What every decision says of itself."""
        maker, requests = decisions.makers[0], decisions.requests
        head: HeadOut = {
            "decision_id": decisions.ids[0],
            "policy_id": maker.policy,
            "artifact_id": maker.artifact,
            "surface": requests.surface,
            "user_id": requests.user_ids[0],
            "fallback": _fallback(decisions.fallback, missed),
            "log_prob": float(decisions.log_probs[0]),
        }
        if note := _note(decisions):
            head["note"] = note
        return head

    def page_for_all(
        self,
        decisions: Decisions,
        watchers: Sequence[Profile],
        explain: bool = True,
        missed: tuple[Unanswered, ...] = (),
    ) -> TogetherOut:
        """Decision 0 of a batch for several, each title with whom it is for."""
        page = self.page(decisions, explain, missed)
        pages = decisions.page()
        for row in page["rows"]:
            name = pages.name(0, row["row"])
            row["title"] = title_for_all(name, decisions, watchers, self._catalog)
            if explain:
                for item in row["items"]:
                    whom = watchers_of(decisions, row["row"], item["column"])
                    item["whom"] = [self._whom(watchers, one) for one in whom]
                    told = reason_for_all(name) or whom_in_words(whom, watchers, self._catalog)
                    item["reason"] = told or item["reason"]
        return {**page, "watchers": [one.user_id for one in watchers]}

    def _whom(self, watchers: Sequence[Profile], one: Watcher) -> WatcherOut:
        because = self._catalog.item_ids[one.because] if one.because >= 0 else None
        return {"user_id": watchers[one.place].user_id, "worth": one.worth, "because": because}

    def _row(self, pages: Pages, r: int, explain: bool, up_next: Mapping[int, NextOut]) -> RowOut:
        name = pages.name(0, r)
        return {
            "row": r,
            "kind": KIND_NAMES[name.kind],
            "about": list(name.about),
            "title": row_title(name, self._catalog),
            "log_prob": float(pages.row_log_probs[0, r]),
            "items": self._items(pages, r, explain, up_next),
        }

    def _items(self, pages: Pages, r: int, explain: bool, up_next: Mapping[int, NextOut]) -> list[ItemOut]:
        placed = self._placed(pages, r, up_next)
        if explain:
            for one, reason in zip(placed, title_reasons(pages, 0, r, self._catalog), strict=True):
                one["reason"] = reason
        return placed

    def _placed(self, pages: Pages, r: int, up_next: Mapping[int, NextOut]) -> list[ItemOut]:
        """The titles of row `r`; series with the episode that is `up_next`."""
        ids, names = self._catalog.item_ids, self._catalog.names
        items = pages.items[0, r].tolist()
        scores = pages.scores[0, r].tolist()
        log_probs = pages.item_log_probs[0, r].tolist()
        placed: list[ItemOut] = [
            {
                "item_id": ids[item],
                "title": names[item],
                "column": c,
                "score": scores[c],
                "log_prob": log_probs[c],
                "year": self._years[item],
                "genres": self._genres[item],
                "image_url": self._images[item],
            }
            for c, item in enumerate(items)
            if item >= 0
        ]
        for one in placed:
            item, art = items[one["column"]], int(pages.art[0, r, one["column"]])
            if item in up_next:
                one["next"] = up_next[item]
            if art >= 0:
                one["art"] = art
                one["presentation_log_prob"] = float(pages.presentation_log_probs[0, r, one["column"]])
                one["artwork_url"] = self._artworks[item][art] if self._artworks[item] else None
        return placed


def _note(decisions: Decisions, b: int = 0) -> str:
    """Why an answer is empty that was filtered, or that goes on after others; "" for any other."""
    requests, left = decisions.requests, int(decisions.eligible[b])
    lines = slice(decisions.choices.offsets[b], decisions.choices.offsets[b + 1])
    if decisions.layer(Layer.TITLE)[lines].any():
        return ""
    if requests.control.filter:
        count = f"{left:,} titles pass it, and none of them belongs here" if left else "no title left passes it"
        return f"nothing is shown under the filter {requests.control.filter[:200]!r}: {count}; widen the filter"
    return "" if requests.episodes is None else "all that belongs here was shown; leave `after` out to begin anew"


def _milliseconds(decisions: Decisions) -> dict[str, float]:
    return {stage: round(spent, 3) for stage, spent in decisions.timings.items()}


def profile_out(profile: Profile) -> ProfileOut:
    """A profile as plain data."""
    out: ProfileOut = asdict(profile)  # type: ignore[assignment]
    return out


def _dials(dials: Dials) -> DialsOut:
    out: DialsOut = asdict(dials)  # type: ignore[assignment]
    return out


def _fallback(step: str, missed: tuple[Unanswered, ...]) -> FallbackOut | None:
    if not step:
        return None
    reasons: list[MissOut] = [{"step": one.step, "reason": f"{one.reason}: {one.detail}"} for one in missed]
    return {"step": step, "missed": reasons}
