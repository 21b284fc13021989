"""A service looks every so often beside answering, whatever goes wrong, until it stops."""

import logging
import threading

from matinee.errors import BadData
from matinee.recipes.background import looking


def test_an_error_ends_neither_the_thread_nor_the_other_looks(caplog):
    calls, thrice = [], threading.Event()

    def fails(now):
        raise BadData(f"nothing at {now}; try later")

    def works(now):
        calls.append(now)
        if len(calls) == 3:
            thrice.set()

    with caplog.at_level(logging.ERROR), looking(fails, works, first=0.0, every=0.001, failed="it did not work"):
        assert thrice.wait(60)
    assert calls == sorted(calls)
    assert [record.message for record in caplog.records[:2]] == ["it did not work"] * 2
    assert "nothing at" in str(caplog.records[0].exc_info)


def test_nothing_looks_after_the_block():
    calls = []
    with looking(calls.append, first=3_600.0, every=0.001, failed=""):
        pass
    assert calls == []
    assert all(thread.name != "list.append" for thread in threading.enumerate())
