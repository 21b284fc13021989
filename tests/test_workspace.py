"""The workspace: data comes in again and again, titles keep their indexes, artifacts are found and pruned by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matinee.catalog import Catalog, write_whole
from matinee.errors import ArtifactRefused
from matinee.testing import make_catalog
from matinee.workspace import KEPT, Workspace

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_artifacts(place: Workspace, name: str, n: int, start: datetime = NOON) -> list[str]:
    """`n` empty artifacts of this name, a minute apart; returns their folders' names."""
    folders = [place.new_artifact(name, start + timedelta(minutes=k)) for k in range(n)]
    for folder in folders:
        folder.mkdir(parents=True)
    return [folder.name for folder in folders]


@pytest.mark.parametrize(("short", "long"), [("popularity", "popularity-7d"), ("ease", "ease-recent")])
def test_a_name_that_begins_like_another_is_another(tmp_path, short, long):
    place = Workspace(tmp_path)
    mine = make_artifacts(place, short, KEPT)
    others = make_artifacts(place, long, KEPT, NOON + timedelta(hours=1))
    place.prune(short)
    assert sorted(one.name for one in (tmp_path / "models").iterdir()) == sorted(mine + others)
    assert place.newest_artifact(short).name == mine[-1]
    assert place.newest_artifact(long).name == others[-1]


def test_the_newest_artifacts_are_kept(tmp_path):
    place = Workspace(tmp_path)
    names = make_artifacts(place, "ease", KEPT + 2)
    (tmp_path / "models" / f".{names[0]}-0123abcd").mkdir()  # one that is being written
    place.prune("ease")
    left = sorted(one.name for one in (tmp_path / "models").iterdir() if not one.name.startswith("."))
    assert left == names[2:]
    assert place.newest_artifact("ease").name == names[-1]


def test_no_artifact_is_a_refusal_that_names_the_remedy(tmp_path):
    with pytest.raises(ArtifactRefused, match="matinee train --workspace"):
        Workspace(tmp_path).newest_artifact("ease")


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "about.txt"
    path.write_text("old")

    def half(draft):
        draft.write_text("ne")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        write_whole(path, half)
    assert path.read_text() == "old"
    write_whole(path, lambda draft: draft.write_text("new"))
    assert [one.name for one in tmp_path.iterdir()] == ["about.txt"]
    assert path.read_text() == "new"


def test_a_catalogue_is_never_half_written(tmp_path):
    path = tmp_path / "catalog.parquet"
    make_catalog(3).save(path)
    old = path.open("rb")  # who reads the old file goes on reading it
    make_catalog(5).save(path)
    assert len(Catalog.load(path)) == 5
    with old:
        (tmp_path / "seen.parquet").write_bytes(old.read())
    assert len(Catalog.load(tmp_path / "seen.parquet")) == 3
