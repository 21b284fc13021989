"""The decisions of a log: appended by the batch, read back as batches, each found by its id, sealed by day."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import date
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl

from matinee.data.log import forget as log_forget
from matinee.data.log import rows as log_rows
from matinee.data.log import schema as sql
from matinee.data.log import thinning
from matinee.data.log.bodies import bodies_of, columns_of_bodies
from matinee.data.log.companions import companions_of, note_companions
from matinee.data.log.dialect import Cursor
from matinee.data.log.schema import DECISIONS
from matinee.data.log.sealed import SealedDay, day_name, day_number, first_microsecond, read_day
from matinee.data.log.sealing import make_file, named, note_members, put, sweep
from matinee.data.log.store import Store, generation, sealed_days
from matinee.data.log.thinning import Thinned, Thinning
from matinee.decision import Decisions, Progress, Requests, no_progress
from matinee.decision.columns import DECIDED, Columns, decisions_of
from matinee.decision.record import record_of
from matinee.errors import LogDamaged, NotFound, require_some
from matinee.events import DAY, END_OF_TIME, VISITOR, Rejections
from matinee.maths.arrays import Int64s, UInt64s

T = TypeVar("T")
PART = 1_000  # decisions of one day that come at once and make a file of their own
PAGE = 1_000  # live decisions that are read at once
AT_ONCE = 100_000  # sealed decisions that become a batch at once
EARLIER = "of an earlier Matinee"
FILES_KEPT = 64  # files whose ids stay in memory


class _Live(NamedTuple):
    """A live decision on its way to the database, and who watches too."""

    decision_id: str
    user_id: str
    time: int
    body: bytes
    companions: Sequence[str]


class DecisionLog:
    """The decisions of one log. Their histories are left empty; `data.asked` reads them from the events.

    A decision's id is taken once: the same again, made at the same time, changes nothing.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ids: OrderedDict[str, UInt64s] = OrderedDict()  # by file: the hashes of its ids, ascending

    def submit(self, decisions: Decisions) -> Future[None]:
        """Queue a batch; the future resolves once it is on disk.

        Of a day with `PART` of them or more a file is made first, here and now; others wait in the database until they
        are sealed.
        """
        days = decisions.requests.times // DAY
        distinct, counts = np.unique(days, return_counts=True)
        few = np.isin(days, distinct[counts < PART])
        for day in distinct[counts >= PART]:
            whole = len(distinct) == 1
            batch = decisions if whole else decisions.take(np.flatnonzero(days == day))
            if not self._append_part(day_name(int(day)), Columns.of(batch).frame()):
                few |= days == day
        rest = decisions if few.all() else decisions.take(np.flatnonzero(few))
        return self._submit_live(rest)

    def append(self, decisions: Decisions) -> None:
        """`submit`, and wait until they are on disk."""
        self.submit(decisions).result()

    def read(
        self,
        as_of: int,
        since: int | None = None,
        surface: str | None = None,
        cell: tuple[str, int] | None = None,
    ) -> Iterator[Decisions]:
        """The decisions of [since, as_of) in batches of what was asked alike, see `columns.decisions_of`.

        Those of visitors are left out.

        Within a batch, and from day to day, the oldest come first. `surface` keeps those of one surface, `cell` those
        in one arm of an experiment (name and arm). Raises `LogDamaged`.
        """
        for columns in self._columns(as_of, since):
            for batch in decisions_of(columns):
                if surface in (None, batch.requests.surface):
                    for members in _of_members(batch):
                        yield from _of_cell(members, cell)

    def get(self, decision_id: str) -> Decisions:
        """One decision, a batch of one. Raises `NotFound`."""
        with self._store.reading() as cursor:
            found = cursor.execute(sql.FIND_DECISION, (decision_id,)).fetchone()
        if found is not None:
            return next(decisions_of(columns_of_bodies([found[0]])))
        sealed = self._steady(lambda: self._sealed_one(decision_id))
        if sealed is None:
            raise NotFound(
                f"no decision {decision_id!r} is in the log; check the id: its member was deleted, or the log was "
                "thinned or forgot it"
            )
        return next(decisions_of(Columns.of_frame(sealed)))

    def of_member(self, user_id: str) -> list[Decisions]:
        """All decisions of a member, in batches of what was asked alike."""

        def look() -> pl.DataFrame:
            with self._store.reading() as cursor:
                cursor.execute("BEGIN")
                days = {day for (day,) in cursor.execute(sql.sealed_days_of(DECISIONS, 1), (user_id,))}
                moving = cursor.execute(sql.MOVING, (DECISIONS.table,)).fetchall()
                days |= {day for day, _, _ in moving}
                files = [one for one in sealed_days(cursor, DECISIONS) if one.day in days]
                live = [body for (body,) in cursor.execute(sql.DECISIONS_OF_MEMBER, (user_id,))]
            frames = [read_day(self._store.folder, one, pl.col("user_id") == user_id) for one in files]
            every = pl.concat([*frames, columns_of_bodies(live).frame()])
            return every.unique("decision_id", keep="first").sort(DECISIONS.order)

        return list(decisions_of(Columns.of_frame(self._steady(look))))

    def record(self, decision_id: str) -> dict[str, Any]:
        """One decision as plain data, see `record_of`, also one of an earlier Matinee. Raises `NotFound`."""
        with self._store.reading() as cursor:
            found = cursor.execute(sql.FIND_EARLIER, (decision_id,)).fetchone()
        return log_rows.record_of_text(found[0]) if found else record_of(self.get(decision_id), 0)

    def records_of(self, user_id: str) -> list[dict[str, Any]]:
        """All decisions of a member as plain data, oldest first."""
        with self._store.reading() as cursor:
            told = [log_rows.record_of_text(text) for (text,) in cursor.execute(sql.EARLIER_OF_MEMBER, (user_id,))]
        told += [record_of(batch, b) for batch in self.of_member(user_id) for b in range(len(batch))]
        return sorted(told, key=lambda one: (one["time"], one["decision_id"]))

    def earlier(self) -> Rejections:
        """How many records of an earlier Matinee say too little to be read as decisions, with examples."""
        with self._store.reading() as cursor:
            count = cursor.execute("SELECT count(*) FROM earlier").fetchone()[0]
            first = cursor.execute("SELECT decision_id FROM earlier ORDER BY time LIMIT 3").fetchall()
        return Rejections({EARLIER: count}, {EARLIER: tuple(one for (one,) in first)}) if count else Rejections()

    def forget(self, before: int) -> int:
        """Remove the decisions made before `before` (microseconds since 1970), in short steps; returns how many."""
        with self._store.upkeep:
            gone = log_forget.forget_decisions(self._store, before)
            sweep(self._store)
        return gone

    def thin(self, before: date, keep: float, seed: int = 0, progress: Progress = no_progress) -> Thinning:
        """Keep the share `keep` in (0, 1] of the decisions of whole days before `before`, all or none of an account's.

        A decision that is kept says so in its `keep_probability`, by which everything that learns or estimates weighs
        it. The share is of all that were made: again with the same share, it finds what is new; with a smaller one it
        keeps a part of those. Raises `BadRequest` for another `seed` than the log was thinned by before.
        """
        require_some("keep", keep)
        with self._store.upkeep:
            done = thinning.thin(self._store, first_microsecond(before.isoformat()), keep, seed, progress)
            sweep(self._store)
        return done

    def thinned(self) -> Thinned:
        """What of the log stands for more than itself, sealed and live. Raises `LogDamaged`."""
        found = Thinned()
        for columns in self._columns(END_OF_TIME, None):
            found = found.and_those_of(columns.heads)
        return found

    def _submit_live(self, decisions: Decisions) -> Future[None]:
        users, times = decisions.requests.user_ids.to_list(), decisions.requests.times.tolist()
        told = zip(decisions.ids, users, times, bodies_of(decisions), _companions(decisions.requests), strict=True)
        rows = [_Live(*one) for one in told]
        return self._store.writer.run(lambda cursor: self._insert(cursor, rows))

    def _insert(self, cursor: Cursor, rows: Sequence[_Live]) -> None:
        statement, beside = (make(generation(cursor)) for make in (sql.insert_decision, sql.insert_companion))
        sealed: dict[int, list[SealedDay]] = {}
        for row in rows:
            day = row.time // DAY
            if day not in sealed:
                sealed[day] = named(cursor, DECISIONS, day_name(day))
            known = any(cursor.execute(one, row[:1]).fetchone() for one in (sql.FIND_DECISION, sql.FIND_EARLIER))
            if not known and not any(len(self._known(one, [row.decision_id])) for one in sealed[day]):
                cursor.execute(statement, row[:4])
                cursor.executemany(beside, ((one, row.decision_id, row.time) for one in row.companions))

    def _append_part(self, day: str, frame: pl.DataFrame) -> bool:
        """Make a file of decisions of one day; False when a deletion of one of their members is under way.

        Tried again where another handle wrote of that day meanwhile.
        """
        frame = frame.unique("decision_id", keep="first", maintain_order=True)
        users = {*frame["user_id"], *(user_id for user_id, _, _ in companions_of(frame))}
        while True:
            with self._store.reading() as cursor:
                cursor.execute("BEGIN")
                before, last = named(cursor, DECISIONS, day), cursor.execute(sql.last_of(DECISIONS)).fetchone()[0]
                known = _known_live(cursor, frame["decision_id"], day)
            for one in before:
                known |= set(self._known(one, frame["decision_id"]))
            fresh = frame.filter(~pl.col("decision_id").is_in(known)) if known else frame
            if fresh.is_empty():
                return True
            sealed = make_file(self._store, DECISIONS, day, before, fresh, part=True)
            ids = set(fresh["decision_id"])

            def count(
                cursor: Cursor, sealed: SealedDay = sealed, before: Any = before, last: int = last,
                fresh: pl.DataFrame = fresh, ids: set[str] = ids,
            ) -> bool | None:  # fmt: skip
                cursor.execute("UPDATE spent_files SET maker = 0 WHERE file = ?", (sealed.file,))
                if not users.isdisjoint(user_id for user_id, *_ in cursor.execute(sql.FORGOTTEN)):
                    return None
                newer = {one for (one,) in cursor.execute(sql.NEWER_DECISIONS, (last,))}
                if named(cursor, DECISIONS, day) != before or not ids.isdisjoint(newer):
                    return False
                cursor.execute("DELETE FROM spent_files WHERE file = ?", (sealed.file,))
                put(cursor, sealed)
                note_members(cursor, day, [fresh])
                note_companions(cursor, fresh)
                return True

            counts = self._store.do(count)
            if counts:
                self._keep(sealed, fresh["decision_id"])
            if counts is not False:
                return bool(counts)

    def _columns(self, as_of: int, since: int | None) -> Iterator[Columns]:
        """The decisions of [since, as_of), oldest first, some at a time; each is met once, whatever moves meanwhile."""
        at, loaded = (0 if since is None else since, ""), _Loaded()
        while True:
            with self._store.reading() as cursor:
                cursor.execute("BEGIN")
                moving = cursor.execute(sql.MOVING, (DECISIONS.table,)).fetchall()
                live = cursor.execute(*sql.page_of_decisions(at, as_of, moving, PAGE)).fetchall()
                files = [one for one in sealed_days(cursor, DECISIONS) if one.overlaps(as_of, at[0])]
            if not live and not files:
                return
            day = min([day_number(one.day) for one in files[:1]] + [row[0] // DAY for row in live[:1]])
            of_day = [row for row in live if row[0] // DAY == day]
            full = len(of_day) == PAGE
            until = of_day[-1][:2] if full else ((day + 1) * DAY, "")
            here = [one for one in files if one.day == day_name(day)]
            try:
                frame = loaded.frame(self._store, here)
            except LogDamaged:
                with self._store.reading() as cursor:
                    if set(here) <= set(sealed_days(cursor, DECISIONS)):
                        raise
                continue
            yield from _pieces(_between(frame, at, until, as_of), [row[2] for row in of_day])
            at = until

    def _sealed_one(self, decision_id: str) -> pl.DataFrame | None:
        """The sealed decision of this id, the newest files searched first."""
        with self._store.reading() as cursor:
            files = sealed_days(cursor, DECISIONS)[::-1]
        for one in files:
            if len(self._known(one, [decision_id])):
                return read_day(self._store.folder, one, pl.col("decision_id") == decision_id)
        return None

    def _known(self, sealed: SealedDay, decision_ids: Sequence[str] | pl.Series) -> list[str]:
        """Which of these ids the file holds."""
        asked = pl.Series(decision_ids, dtype=pl.String)
        hashes = self._ids.get(sealed.file)
        if hashes is None:
            hashes = self._keep(sealed, read_day(self._store.folder, sealed)["decision_id"])
        theirs = asked.hash().to_numpy()
        maybe = asked.filter(hashes[np.searchsorted(hashes, theirs) % len(hashes)] == theirs)
        if maybe.is_empty():
            return []
        return read_day(self._store.folder, sealed, pl.col("decision_id").is_in(maybe.to_list()))[
            "decision_id"
        ].to_list()

    def _keep(self, sealed: SealedDay, decision_ids: pl.Series) -> UInt64s:
        """Remember which ids a file holds, as hashes in ascending order."""
        hashes = self._ids[sealed.file] = np.sort(decision_ids.hash().to_numpy())
        if len(self._ids) > FILES_KEPT:
            self._ids.popitem(last=False)
        return hashes

    def _steady(self, look: Callable[[], T]) -> T:
        return self._store.steady(DECISIONS, look)


class _Loaded:
    """The files of one day in memory."""

    def __init__(self) -> None:
        self._files: list[SealedDay] = []
        self._frame = pl.DataFrame(schema=DECIDED)

    def frame(self, store: Store, files: list[SealedDay]) -> pl.DataFrame:
        """What these files hold, in order; read once."""
        if files != self._files:
            frames = [read_day(store.folder, one) for one in files]
            self._frame = pl.concat([pl.DataFrame(schema=DECIDED), *frames]).sort(DECISIONS.order)
            self._files = files
        return self._frame


def _known_live(cursor: Cursor, decision_ids: pl.Series, day: str) -> set[str]:
    """Which of these ids the database holds."""
    start = first_microsecond(day)
    within = "SELECT decision_id FROM decisions WHERE time >= ? AND time < ?"
    live = [one for (one,) in cursor.execute(within, (start, start + DAY))]
    return set(live) & set(decision_ids) if live else set()


def _between(frame: pl.DataFrame, at: tuple[int, str], until: tuple[int, str], as_of: int) -> pl.DataFrame:
    """The decisions behind one time and id, up to another, and before `as_of`."""
    time, name = pl.col("time"), pl.col("decision_id")
    behind = (time > at[0]) | ((time == at[0]) & (name > at[1]))
    return frame.filter(behind & ((time < until[0]) | ((time == until[0]) & (name <= until[1]))) & (time < as_of))


def _pieces(sealed: pl.DataFrame, live: Sequence[bytes]) -> Iterator[Columns]:
    """Sealed and live decisions as one, in order, `AT_ONCE` at a time."""
    if sealed.is_empty():
        if live:
            yield columns_of_bodies(live)
        return
    both = pl.concat([sealed, columns_of_bodies(live).frame()]).sort(DECISIONS.order) if live else sealed
    for start in range(0, both.height, AT_ONCE):
        yield Columns.of_frame(both.slice(start, AT_ONCE))


def _of_members(batch: Decisions) -> Iterator[Decisions]:
    """The batch without the decisions of visitors, where that is anything."""
    theirs = batch.requests.user_ids.str.starts_with(VISITOR).to_numpy()
    if not theirs.any():
        yield batch
    elif not theirs.all():
        yield batch.take(np.flatnonzero(~theirs))


def _of_cell(batch: Decisions, cell: tuple[str, int] | None) -> Iterator[Decisions]:
    """The batch, or of it what is in one arm of an experiment, where that is anything."""
    if cell is None:
        yield batch
        return
    name, arm = cell
    cells = batch.requests.cells
    if cells is not None and name in cells.names:
        rows: Int64s = np.flatnonzero(cells.arms[:, cells.names.index(name)] == arm)
        if len(rows):
            yield batch.take(rows)


def _companions(requests: Requests) -> Iterator[list[str]]:
    """Who else watches, request by request, each once."""
    for b in range(len(requests)):
        rows = [] if requests.together is None else np.unique(requests.together.people[b]).tolist()
        yield [requests.people.user_ids[row] for row in rows]
