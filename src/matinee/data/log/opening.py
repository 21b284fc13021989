"""Opening a log: the right database beside the right sealed days, all of it whole, and nothing left half done."""

from __future__ import annotations

import logging
from pathlib import Path

from matinee.data.log import forget as log_forget
from matinee.data.log import sealing as log_sealing
from matinee.data.log.dialect import Dialect
from matinee.data.log.file import check_structure, create
from matinee.data.log.sealed import check_sizes, finished, foreign, mark, owner, put_aside, remove_drafts
from matinee.data.log.store import Store, sealed_days, sealed_folder
from matinee.errors import LogDamaged

log = logging.getLogger("matinee.log")


def opened(path: Path, dialect: Dialect) -> Store:
    """The log at `path`, checked and finished, or a new one where nothing is."""
    if not path.exists():
        folder = sealed_folder(path)
        if finished(folder):
            raise foreign(path, folder, "there is no database")
        create(path)
    store = Store(path, dialect)
    try:
        check_quickly(store)
        _put_in_order(store)
    except BaseException:
        store.close()
        raise
    return store


def check_quickly(store: Store) -> None:
    """The database's structure, that the folder is its own, and every sealed file there in its full length."""
    with store.reading() as cursor:
        check_structure(cursor.connection, store.path)
    while True:
        with store.reading() as cursor:
            days = sealed_days(cursor)
            (log_id,) = cursor.execute("SELECT id FROM matinee_log").fetchone()
        try:
            _check_owner(store, log_id, {sealed.file for sealed in days})
            return check_sizes(store.folder, days)
        except LogDamaged:
            with store.reading() as cursor:
                if sealed_days(cursor) == days:
                    raise


def _check_owner(store: Store, log_id: str, named: set[str]) -> None:
    there = finished(store.folder)
    of = owner(store.folder)
    if there and (of != log_id if of else named.isdisjoint(there)):
        raise foreign(store.path, store.folder, "another log's database is")
    if there and of is None:
        mark(store.folder, log_id)


def _put_in_order(store: Store) -> None:
    """Remove what is known to be spent, put aside what is unknown, and finish what a crash cut off."""
    there = finished(store.folder)
    with store.reading() as cursor:
        cursor.execute("BEGIN")
        spent = {file for (file,) in cursor.execute("SELECT file FROM spent_files")}
        known = spent | {sealed.file for sealed in sealed_days(cursor)}
    put_aside(store.folder, [name for name in there if name not in known])
    remove_drafts(store.folder)
    log_sealing.sweep(store, everyones=True)
    try:
        deletions = log_forget.finish(store)
        log_sealing.sweep(store)
        store.dialect.compact(store, deletions)
    except LogDamaged as damage:
        log.warning("a deletion waits to be finished: %s", damage)
