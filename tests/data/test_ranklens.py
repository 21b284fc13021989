"""RankLens: lists become impressions, clicks become likes at their place."""

import gzip
import json
from pathlib import Path

import pytest

from matinee.data.sources.ranklens import read
from matinee.errors import BadData

RANKLENS = Path(__file__).parents[3] / "shared" / "data" / "ranklens"


def title(item: str, **fields: object) -> dict:
    given = {"title": f"Film {item}", "genres": ["science fiction"], "runtime": 101.4, "release_date": 0.0, **fields}
    return {
        "event": "item",
        "id": "x",
        "item": item,
        "timestamp": "1000",
        "fields": [{"name": n, "value": v} for n, v in given.items()],
    }


def ranking(name: str, items: list[str], user: str = "u") -> dict:
    return {
        "event": "ranking",
        "id": name,
        "user": user,
        "timestamp": "2000",
        "items": [{"id": item} for item in items],
    }


def click(name: str, list_name: str, item: str, **fields: object) -> dict:
    given = {"event": "interaction", "type": "click", "id": name, "ranking": list_name, "item": item}
    return {**given, "user": "u", "timestamp": "3000", **fields}


LINES = [
    title("1", actors=["al pacino"], director="michael mann", description="A heist.", tags=["la"]),
    title("2", release_date=86_400.0),
    ranking("r", ["2", "1"]),
    click("c", "r", "1"),
]


def write(folder: Path, lines: list[dict | str], name: str = "events.jsonl") -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder / name


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_lists_are_impressions_and_clicks_are_likes_at_their_place(tmp_path: Path, name: str):
    data = read(write(tmp_path, LINES, name))
    assert data.events.select("event_id", "kind", "item_id", "decision_id", "row", "column").rows() == [
        ("r-0", "impression", "2", "r", 0, 0),
        ("r-1", "impression", "1", "r", 0, 1),
        ("c", "thumbs_up", "1", "r", 0, 1),
    ]
    assert data.events["timestamp"].dt.epoch("ms").to_list() == [2000, 2000, 3000]
    assert data.rejections.total == 0
    first = data.catalog.titles.row(0, named=True)
    assert (first["title"], first["genres"], first["minutes"]) == ("Film 1", ["Science Fiction"], 101)
    assert (first["people"], first["tags"], first["text"]) == (["Al Pacino", "Michael Mann"], ["la"], "A heist.")
    assert [moment and moment.day for moment in data.catalog.titles["released"].to_list()] == [None, 2]


@pytest.mark.parametrize(
    "bad",
    [
        "{half",
        "[]",
        '"text"',
        "17",
        json.dumps({"event": "teleport"}),
        json.dumps({"event": "ranking", "id": "q"}),
        click("d", "r", "1", type="hover"),
        click("d", "r", "1", timestamp="noon"),
        click("d", "r", "unknown"),
        click("d", "r", "1", timestamp=str(10**16)),
        click("d", "r", "1", timestamp=str(10**30)),
        click("d", "r", "1", ranking=["r"]),
        {**ranking("q", ["1"]), "timestamp": str(10**30)},
        title("3", runtime=1e12),
        title("3", release_date=1e300),
        title("3", release_date=1e13),
        click("c", "r", "1"),
    ],
)
def test_one_bad_line_is_counted_and_the_others_stay(tmp_path: Path, bad: dict | str):
    data = read(write(tmp_path, [LINES[0], bad, *LINES[1:]] if bad != LINES[3] else [*LINES, bad]))
    assert data.events.height == 3
    assert data.rejections.total == 1


def test_a_click_on_what_its_list_did_not_show_has_no_place(tmp_path: Path):
    data = read(write(tmp_path, [*LINES, click("d", "elsewhere", "2")]))
    assert data.events.filter(event_id="d").select("decision_id", "row", "column").rows() == [("elsewhere", None, None)]


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "no titles", "folder without"])
def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path, damage: str):
    path = write(tmp_path, LINES, "events.jsonl.gz")
    if damage in ("missing", "folder without"):
        path.unlink()
        path = path if damage == "missing" else tmp_path
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path = write(tmp_path, [] if damage == "empty" else LINES[2:])
    with pytest.raises(BadData, match=r"give|get"):
        read(path)


@pytest.mark.shared
@pytest.mark.skipif(not RANKLENS.is_dir(), reason="needs ../shared/data/ranklens")
def test_the_whole_of_ranklens_has_its_published_counts():
    data = read(RANKLENS)
    unknown = data.rejections.counts["about a title that is not in the catalogue"]
    assert data.events.height + unknown == 9_800 * 24 + 46_125
    assert data.rejections.total == unknown
    assert (len(data.catalog), len(data.profiles)) == (2_512, 2_145)
    assert data.events["decision_id"].n_unique() == 9_800
    assert data.events.filter(kind="thumbs_up")["column"].null_count() == 0
