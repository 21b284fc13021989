"""The studio: a page and its data about the billboard, for who runs the service alone."""

from __future__ import annotations

from markupsafe import Markup
from test_roles import KEYS, READER, WRITER

from matinee.service.studio import DayShown, Plot, Studio, TitleBelief, VersionKept
from matinee.service.watched import Alarm, Watched

NASTY = "<script>alert(1)</script>"
STUDIO = Studio(
    billboard="billboard-thompson",
    version=12,
    as_of="2026-03-01T12:00:00+00:00",
    learned_today=34.6,
    titles=[
        TitleBelief("t1", NASTY, 0.21, 0.1, 0.32, 0.4, 56.0, 0.25, 7),
        TitleBelief("t2", "B", 0.1, 0, 0.2, 0, 0.0, None, 0),
    ],
    days=[DayShown("2026-03-01", 8, 2, 1.5)],
    versions=[VersionKept(12, "2026-03-01T12:00:00+00:00", 56.0, 0.0123)],
    plots=[Plot("Beliefs", Markup("<svg role='img'></svg>"), "What it is.")],
)


def test_the_page_shows_beliefs_days_versions_and_alarms_and_escapes_what_it_shows(serve):
    alarm = Alarm("stale", "nothing was learned", "look at the disk")
    page = serve(studio=lambda: STUDIO, watched=lambda: Watched({}, (alarm,))).get("/studio").text
    for words in ("version 12", "35 looks", "0.100 to 0.320", "40.00 %", "2026-03-01", "0.0123", "<svg role='img'>",
                  "Nothing was learned", "Look at the disk"):  # fmt: skip
        assert words in page, words
    assert NASTY not in page
    assert "&lt;script&gt;" in page


def test_the_data_is_all_but_the_drawings(serve):
    told = serve(studio=lambda: STUDIO).get("/v1/billboard").json()
    assert told["titles"][1]["reward"] is None
    assert told["versions"] == [{"version": 12, "as_of": "2026-03-01T12:00:00+00:00", "looks": 56.0, "regret": 0.0123}]
    assert "plots" not in told


def test_where_nothing_learns_the_page_says_how_to_begin(serve):
    client = serve()
    assert "No billboard learns here" in client.get("/studio").text
    assert client.get("/v1/billboard").status_code == 404


def test_it_is_for_who_may_write(serve):
    client = serve(studio=lambda: STUDIO, **KEYS)
    for path in ("/studio", "/v1/billboard"):
        statuses = [client.get(path, headers={"X-API-Key": key}).status_code for key in ("", READER, WRITER)]
        assert statuses == [401, 403, 200], path
