"""The command line: the verbs work one after the other, errors are one line, remedies name what exists."""

from __future__ import annotations

import ast
import json
import re
import socket
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Semaphore

import polars as pl
import pytest
import typer.main

import matinee as package
from matinee.catalog import Catalog
from matinee.cli import app, main, terminal
from matinee.cli import service as cli_service
from matinee.data.log import EventLog
from matinee.data.sources.reading import Source, guess
from matinee.decision import Requests
from matinee.errors import ArtifactRefused, TooLarge
from matinee.evaluate.published import MEMBERS
from matinee.history import Histories
from matinee.models.artifacts.artifact import load_artifact
from matinee.recipes import compiling, demo, registry, serving
from matinee.recipes.serving import on_home
from matinee.service import run as web
from matinee.testing import make_decisions
from matinee.workspace import Workspace

SEEDED = ("demo", "train", "evaluate", "leaderboard", "tune", "serve")
SRC = Path(__file__).parents[1] / "src" / "matinee"
COMMANDS = typer.main.get_command(app).commands
OPTIONS = {name: {one for p in verb.params for one in (*p.opts, *p.secondary_opts)} for name, verb in COMMANDS.items()}


@pytest.fixture
def matinee(monkeypatch, capsys, tmp_path):
    """Runs a command in an empty folder; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["matinee", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return (int(end.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def plays(tmp_path) -> str:
    """Interactions of twelve members with eight titles, as a file."""
    rows = [f"u{k},t{(k + at) % 8},{1_700_000_000 + 3600 * at + k}" for k in range(12) for at in range(4)]
    (tmp_path / "plays.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    return "plays.csv"


@pytest.fixture
def movies(tmp_path) -> str:
    """A small folder as MovieLens lays it out, of 1998."""
    folder = tmp_path / "movies"
    folder.mkdir()
    titles = [f"{m},Film {m} (19{70 + m}),Drama|Comedy" for m in range(1, 9)]
    stars = [f"{u},{1 + (u + at) % 8},5.0,{893_286_638 + 60 * at + u}" for u in range(1, 13) for at in range(4)]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *titles]) + "\n")
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *stars]) + "\n")
    return "movies"


@pytest.fixture
def taken():
    """A port on which another server listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield str(other.getsockname()[1])


def events_of(folder: Path) -> int:
    with EventLog(Workspace(folder).log_path) as log:
        return log.read(2**62).height


def test_the_verbs_work_one_after_the_other(matinee, plays, tmp_path):
    code, out, _ = matinee("data", "tabular", plays, "--workspace", "ws")
    assert code == 0
    assert "48 events are on disk in ws" in out
    code, out, _ = matinee("train", "popularity", "--workspace", "ws")
    assert code == 0
    assert "recall@20" in out
    assert Workspace(tmp_path / "ws").newest_artifact("popularity").is_dir()
    code, out, _ = matinee("log", "--workspace", "ws", "--seal-before", "2024-01-01")
    assert code == 0
    assert "is whole" in out
    assert events_of(tmp_path / "ws") == 48
    code, out, _ = matinee("data", "tabular", plays, "--workspace", "ws")
    assert code == 0
    assert "0 events are on disk" in out


def test_a_lost_database_is_made_again_and_old_decisions_go(matinee, plays, tmp_path):
    assert matinee("data", "tabular", plays, "--workspace", "ws")[0] == 0
    assert matinee("log", "--workspace", "ws", "--seal-before", "2999-01-01")[0] == 0
    path = Workspace(tmp_path / "ws").log_path
    with EventLog(path) as log:
        log.decisions.append(make_decisions(range(3), ["u"] * 3, ["d0", "d1", "d2"]))
    code, out, _ = matinee("log", "--workspace", "ws", "--forget-decisions-before", "1970-01-02")
    assert (code, "Removed 3 decision(s)" in out) == (0, True)
    for place in (tmp_path / "ws").glob("log.sqlite3*"):
        if place.is_file():
            place.unlink()
    assert "--rebuild" in matinee("data", "tabular", plays, "--workspace", "ws")[2]
    code, out, _ = matinee("log", "--workspace", "ws", "--rebuild")
    assert (code, "with 48 events" in out) == (0, True)
    assert events_of(tmp_path / "ws") == 48


def test_old_decisions_are_thinned_and_the_log_says_so(matinee, plays, tmp_path):
    matinee("data", "tabular", plays, "--workspace", "ws")
    with EventLog(Workspace(tmp_path / "ws").log_path) as log:
        log.decisions.append(make_decisions(range(40), [f"u{n}" for n in range(40)], [f"d{n}" for n in range(40)]))
    thin = ("log", "--workspace", "ws", "--thin-before", "1970-01-02")
    code, out, _ = matinee(*thin, "--keep", "0.25")
    assert (code, "was thinned" in out) == (0, False)
    removed = int(re.search(r"Thinned: (\d+) decision\(s\) removed, [\d,]+ bytes freed", out)[1])
    code, out, _ = matinee(*thin, "--keep", "0.25")
    left = 40 - removed
    assert f"{left} decision(s) until 1970-01-01 stand for about {4 * left}." in out
    assert "Thinned: 0 decision(s) removed, 0 bytes freed" in out
    for wrong, why in (
        (thin, "go together"),
        ((*thin, "--keep", "0"), "give a share above 0"),
        ((*thin, "--keep", "0.1", "--seed", "1"), "another seed"),
        (("log", "--workspace", "ws", "--thin-before", "2999-01-01", "--keep", "0.1"), "look back 7 days"),
    ):
        code, out, err = matinee(*wrong)
        assert (code != 0, why in out + err) == (True, True), (wrong, out, err)


def test_a_refused_model_stops_no_other(matinee, plays, tmp_path, monkeypatch):
    def refuse(*_):
        raise TooLarge("no room [for it]")

    monkeypatch.setattr("matinee.models.linear_autoencoder.Ease.fit", refuse)
    matinee("data", "tabular", plays, "--workspace", "ws")
    code, out, _ = matinee("train", "--workspace", "ws")
    assert code == 0
    assert "ease-recent is not trained: no room [for it]" in out
    held = [name for name in ("popularity", "ease-recent", "neighbors") if Workspace(tmp_path / "ws").holds(name)]
    assert held == ["popularity", "neighbors"]
    monkeypatch.setattr("matinee.cli.models.train_one", refuse)
    code, _, err = matinee("train", "--workspace", "ws")
    assert code == 1
    assert "no room [for it]" in err


def test_a_member_is_recommended_titles_by_a_trained_model(matinee, plays):
    """Everybody plays four of eight titles that follow one another; u0 played t0 to t3."""
    matinee("data", "tabular", plays, "--workspace", "ws")
    code, _, err = matinee("recommend", "u0", "--workspace", "ws")
    assert (code, "matinee train" in err) == (1, True)
    matinee("train", "popularity", "--workspace", "ws")
    code, out, _ = matinee("recommend", "u0", "-n", "3", "--workspace", "ws", "--json")
    assert code == 0
    answer = json.loads(out.splitlines()[-1])
    assert [one["rank"] for one in answer] == [1, 2, 3]
    assert {one["item_id"] for one in answer} < {"t4", "t5", "t6", "t7"}
    code, _, err = matinee("recommend", "nobody", "--workspace", "ws")
    assert (code, "no member 'nobody'" in err) == (1, True)
    assert matinee("recommend", "u0", "--model", "ease", "--workspace", "ws")[0] == 1
    assert matinee("recommend", "u0", "--model", "easy", "--workspace", "ws")[0] == 2


def test_the_command_says_its_version_its_help_and_completes(matinee):
    assert matinee("--version")[1].strip() == package.__version__
    assert matinee("train", "-h")[1] == matinee("train", "--help")[1]
    assert "--install-completion" in matinee("-h")[1]


def test_a_model_goes_on_where_it_stopped(matinee, plays, tmp_path):
    matinee("data", "tabular", plays, "--workspace", "ws")
    code, _, err = matinee("train", "markov", "--continue", "--workspace", "ws")
    assert code == 1
    assert "no artifact 'markov'" in err
    assert matinee("train", "markov", "--workspace", "ws")[0] == 0
    first = Workspace(tmp_path / "ws").newest_artifact("markov")
    assert matinee("train", "markov", "--continue", "--workspace", "ws")[0] == 0
    assert Workspace(tmp_path / "ws").newest_artifact("markov") > first


@pytest.fixture
def chains(tmp_path) -> str:
    """Sixty members who each turn to eight titles of a circle of twenty, one after the other."""
    lines = [" ".join([f"m{k}", *(f"t{(k + at) % 20}" for at in range(8))]) for k in range(60)]
    (tmp_path / "chains.txt").write_text("\n".join(lines) + "\n")
    return "chains.txt"


def test_vectors_of_titles_are_learned_from_and_place_titles_that_come_later(matinee, plays, tmp_path):
    """Posters alone tell two tastes apart: even titles look warm, odd ones cold. t8 and t9 come after training."""
    rows = [f"u{k},t{(k % 2 + 2 * at) % 8},{1_700_000_000 + 3600 * at + k}" for k in range(30) for at in range(4)]
    (tmp_path / plays).write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    looks = [[1.0, 0.1 * at, 0.0] if at % 2 == 0 else [0.0, 0.1 * at, 1.0] for at in range(10)]
    pl.DataFrame({"item_id": [f"t{at}" for at in range(10)], "poster": looks}).write_parquet(tmp_path / "looks.parquet")
    bring_in = ("data", "tabular", plays, "--vectors", "looks.parquet")
    code, out, _ = matinee(*bring_in)
    assert code == 0
    assert "poster: vectors of 8 titles" in out
    assert "2 rows of looks.parquet are about titles" in out
    assert matinee("train", "content-factors")[0] == 0
    (tmp_path / plays).write_text((tmp_path / plays).read_text() + "u0,t8,1700100000\nu1,t9,1700100001\n")
    assert matinee(*bring_in)[0] == 0
    place = Workspace(Path("var/workspace"))
    catalog = Catalog.load(place.catalog_path)
    scorer = load_artifact(place.newest_artifact("content-factors"), registry.SCORERS, catalog).scorer
    warm, cold = scorer.score(Requests.of_histories(Histories.of_items([[0, 2], [1, 3]])))
    assert warm[catalog.index["t8"]] > warm[catalog.index["t9"]]
    assert cold[catalog.index["t9"]] > cold[catalog.index["t8"]]
    assert matinee("train", "content-factors", "--continue")[0] == 0
    assert matinee("leaderboard", "--data", plays, "--vectors", "absent.parquet")[0] == 1


def test_a_leaderboard_of_named_models(matinee, chains, tmp_path):
    words = "leaderboard --protocol next-item --models markov,popularity --fits 1 --json --html board.html"
    code, out, _ = matinee(*words.split(), "--data", chains)
    assert code == 0
    board = json.loads(out.splitlines()[-1])
    assert board["protocol"] == "next-item"
    (line,) = [one for one in board["groups"][0]["lists"]["lines"] if one["model"] == "markov"]
    assert line["estimates"]["hit_rate@10"]["value"] == 1.0  # the next title of the circle is always the same
    assert "markov" in (tmp_path / "board.html").read_text()


def test_in_time_popularity_of_the_last_days_and_decayed_ease_stand_beside_whatever_is_asked_for(matinee, plays):
    words = "leaderboard --protocol time-split --models markov --fits 1 --json"
    code, out, err = matinee(*words.split(), "--data", plays)
    assert code == 0, err
    board = json.loads(out.splitlines()[-1])
    assert {one["model"] for one in board["groups"][0]["lists"]["lines"]} == {"markov", "popularity-7d", "ease-recent"}
    assert board["baseline"] in ("popularity-7d", "ease-recent")


@pytest.fixture
def prize(tmp_path) -> str:
    """A folder as the Netflix Prize: 30 members, ten titles, all liked or, the last two, not."""
    stars = {title: 5 if title < 9 else 2 for title in range(1, 11)}
    for title, given in stars.items():
        rows = [f"{m},{given},2005-0{1 + (m + title) % 9}-11" for m in range(30) if (m * 7 + title) % 3]
        (tmp_path / "prize").mkdir(exist_ok=True)
        (tmp_path / "prize" / f"mv_{title:07}.txt").write_text("\n".join([f"{title}:", *rows]) + "\n")
    return "prize"


def test_what_others_published_stands_beside(matinee, prize, monkeypatch):
    monkeypatch.setitem(MEMBERS, 30, "Netflix")
    words = "leaderboard --protocol strong --models popularity,ease --fits 1 --json"
    code, out, _ = matinee(*words.split(), "--data", prize)
    assert code == 0
    board = json.loads(out.splitlines()[-1])
    published = {one["model"]: one["figures"]["ndcg@100"] for one in board["published"]}
    assert (published["EASE"], published["VASP"]) == (0.3925, 0.406)
    assert "VASP" in out.replace(out.splitlines()[-1], "")


@pytest.mark.parametrize("protocol", ["time-split", "own-times", "next-item-refitted"])
def test_every_protocol_runs_on_what_has_times(matinee, prize, protocol):
    words = f"leaderboard --protocol {protocol} --models popularity,markov --fits 1 --json --data {prize}"
    code, out, _ = matinee(*words.split())
    assert code == 0
    board = json.loads(out.splitlines()[-1])
    assert {one["model"] for one in board["groups"][0]["lists"]["lines"]} >= {"popularity", "markov"}


def test_the_published_questions_of_ncf_are_asked(matinee, tmp_path):
    """Five members of whom each was asked about title 9 among two others, which nobody knows."""
    learned = "".join(f"{m}\t{t}\t5\t{t}\n" for m in range(5) for t in range(3 + m % 2))
    (tmp_path / "ncf").mkdir()
    (tmp_path / "ncf" / "a.train.rating").write_text(learned + "0\t9\t5\t99\n1\t9\t5\t99\n")
    (tmp_path / "ncf" / "a.test.rating").write_text("".join(f"{m}\t9\t5\t100\n" for m in range(2, 5)))
    (tmp_path / "ncf" / "a.test.negative").write_text("".join(f"({m},9)\t7\t8\n" for m in range(2, 5)))
    code, out, _ = matinee(*["leaderboard", "--protocol", "ncf", "--models", "popularity", "--json", "--data", "ncf"])
    assert code == 0
    (line,) = json.loads(out.splitlines()[-1])["groups"][0]["lists"]["lines"]
    assert line["estimates"]["ndcg@10"]["value"] == 1.0


@pytest.mark.parametrize(
    ("name", "content", "source"),
    [
        ("ml.tsv", "1\t5\t6\n2\t6\t5\n", Source.SEQUENCES),
        ("ml", "1 5 6\n2 6 5\n", Source.SEQUENCES),
        ("ml.csv", "m1,t5,t6\n", Source.SEQUENCES),
        ("folder/ml.txt", "1 5 6\n", Source.SEQUENCES),
        ("plays.tsv", "user_id\titem_id\ttimestamp\n1\t5\t100\n", Source.TABULAR),
        ("plays.inter", "user_id:token\titem_id:token\ttimestamp:float\n1\t5\t100\n", Source.TABULAR),
        ("folder/train_triplets.txt", "a\tb\t1\n", Source.TASTE_PROFILE),
        ("folder/combined_data_1.txt", "1:\n5,5,2005-01-01\n", Source.NETFLIX),
        ("folder/events.jsonl", "{}\n", Source.RANKLENS),
        ("folder/ratings.csv", "userId,movieId,rating,timestamp\n", Source.MOVIELENS),
    ],
)
def test_the_source_is_told_by_names_and_first_lines(tmp_path, name, content, source):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert guess(path.parent if name.startswith("folder/") else path) is source


@pytest.mark.parametrize(
    ("columns", "source"),
    [(("user_id", "item_id", "order"), Source.SEQUENCES), (("user_id", "item_id", "timestamp"), Source.TABULAR)],
)
def test_parquet_is_a_table_when_it_has_times(tmp_path, columns, source):
    pl.DataFrame({column: [1] for column in columns}).write_parquet(tmp_path / "x.parquet")
    assert guess(tmp_path / "x.parquet") is source


def test_what_tuning_found_stands_on_the_leaderboard(matinee, chains, tmp_path):
    tuning = "tune --protocol next-item --models markov,neighbors --trials 2 --folder studies --out found.json --json"
    code, out, _ = matinee(*tuning.split(), "--data", chains)
    assert code == 0
    found = json.loads(out.splitlines()[-1])
    assert [one["model"] for one in found] == ["markov", "neighbors"]
    assert json.loads((tmp_path / "found.json").read_text()) == {one["model"]: one["settings"] for one in found}
    board = ["leaderboard", "--tuned", "found.json", "--fits", "1", "--json", "--data", chains]
    code, out, _ = matinee(*board, "--models", "popularity,markov tuned")
    assert code == 0
    lines = json.loads(out.splitlines()[-1])["groups"][0]["lists"]["lines"]
    assert {one["model"] for one in lines} == {"popularity", "markov tuned"}


def test_tuning_says_which_models_were_refused(matinee, chains, tmp_path, monkeypatch):
    def refuse(*_):
        raise TooLarge("no room [for it]")

    monkeypatch.setattr("matinee.models.neighbors.Neighbors.fit", refuse)
    tuning = "tune --protocol next-item --models markov,neighbors --trials 1 --out found.json --json"
    code, out, _ = matinee(*tuning.split(), "--data", chains)
    assert code == 0
    assert "neighbors was refused with every setting: no room [for it]" in " ".join(out.split())
    found = json.loads(out.splitlines()[-1])
    assert [(one["value"] is None, one["reason"]) for one in found] == [(False, ""), (True, "no room [for it]")]
    assert list(json.loads((tmp_path / "found.json").read_text())) == ["markov"]


def test_all_are_compared_with_the_baselines_that_were_named(matinee, chains):
    words = "leaderboard --protocol next-item --models popularity,markov,neighbors --fits 1 --json"
    code, out, _ = matinee(*words.split(), "--data", chains, "--baselines", "neighbors")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["baseline"] == "neighbors"
    code, _, err = matinee(*words.split(), "--data", chains, "--baselines", "ease")
    assert code == 2, "a baseline must be among the models"
    assert "['ease']" in err


@pytest.mark.filterwarnings("ignore:The value -1:UserWarning")  # of optuna, out of the space
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"left_over": 1}, "left_over"),
        ({"last": -1}, "last"),
        ({"last": "many"}, "many"),
        ({"last": None}, "None"),
    ],
)
def test_settings_of_another_time_are_refused_before_anything_runs(matinee, chains, tmp_path, change, said):
    settings = {"reach": 2, "shrink": 5.0, "last": 3, "decay": 0.5, "kappa": 1.0} | change
    (tmp_path / "found.json").write_text(json.dumps({"markov": settings}))
    code, out, err = matinee("leaderboard", "--tuned", "found.json", "--data", chains)
    assert code == 2
    assert "the settings of markov" in err
    assert said in err
    assert "events" not in out, "the data were read"


def test_settings_that_lack_one_are_refused(matinee, chains, tmp_path):
    (tmp_path / "found.json").write_text('{"markov": {"reach": 2}}')
    code, _, err = matinee("leaderboard", "--tuned", "found.json", "--data", chains)
    assert code == 2
    assert "shrink" in err


def test_brackets_in_names_are_only_brackets(matinee, plays, tmp_path):
    (tmp_path / plays).rename(tmp_path / "[red].csv")
    code, out, _ = matinee("data", "tabular", "[red].csv", "--workspace", "[b]ws[bold]")
    assert code == 0
    assert "[red]: 8 titles" in out
    assert "events are on disk in [b]ws[bold]." in out
    matinee("data", "tabular", "[red].csv", "--workspace", "w[/b]")
    code, out, _ = matinee("log", "--workspace", "w[/b]")
    assert code == 0
    assert "w[/b]/log.sqlite3 is whole." in out


def test_brackets_in_the_name_of_a_file_of_settings_are_only_brackets(matinee, chains):
    words = "tune --protocol next-item --models markov --trials 1 --out [b]found.json"
    code, out, _ = matinee(*words.split(), "--data", chains)
    assert code == 0
    assert "Settings: [b]found.json" in out


@pytest.mark.parametrize(
    "words",
    [
        "data tabular missing.csv",
        "data tabular plays.csv --titles missing.csv",
        "data movielens missing",
        "data movielens [/b]",
        "data ranklens missing",
        "data tabular plays.csv --workspace plays.csv",
        "demo --port 0 --data missing",
        "train --workspace missing",
        "log --workspace missing",
        "serve --port 0 --workspace missing",
        "evaluate missing --no-pages",
        "leaderboard --data missing",
        "tune --data missing --models ease",
    ],
)
def test_errors_are_one_line(matinee, plays, words):
    code, _, err = matinee(*words.split())
    assert code == 1
    assert re.fullmatch(r"Error: .+\n", err), err
    named = [word for word in words.split() if word in ("missing", "missing.csv", "[/b]")]
    assert all(word in err for word in named)


@pytest.mark.parametrize(
    "words",
    [
        "serve --port 99999",
        "serve --port -1",
        "train nonesuch",
        "nonesuch",
        "serve --host 0.0.0.0",
        "serve --models nonesuch",
        "serve --max-bytes 0",
        "serve --max-milliseconds 0",
        "demo --max-milliseconds 0",
        "leaderboard --data plays.csv --models nonesuch",
        "leaderboard --data plays.csv --tuned plays.csv",
        "leaderboard --protocol nonesuch",
        "tune --data plays.csv --models ,",
        *(f"{verb} --seed {seed}" for verb in SEEDED for seed in (-1, 2**32)),
    ],
)
def test_what_cannot_be_asked_exits_with_2(matinee, plays, words):
    code, _, err = matinee(*words.split())
    assert code == 2
    assert "Usage" in err


@pytest.mark.parametrize("words", ["leaderboard --html", "tune --out", "evaluate --html"])
@pytest.mark.parametrize(("path", "said"), [("missing/x", "no folder missing"), ("folder", "folder is a folder")])
def test_where_nothing_can_be_written_is_said_before_anything_is_read(
    matinee, tmp_path, monkeypatch, words, path, said
):
    for verbs in ("compare", "models"):
        monkeypatch.setattr(f"matinee.cli.{verbs}.fetch", lambda: pytest.fail("data were fetched"))
    (tmp_path / "folder").mkdir()
    code, out, err = matinee(*words.split(), path)
    assert code == 2
    assert said in " ".join(err.replace("│", " ").split())
    assert out == ""


def test_json_is_printed_though_its_page_cannot_be_written(matinee, chains, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr("matinee.report.board.Board.write_html", full)
    words = "leaderboard --protocol next-item --models popularity --fits 1 --json --html board.html"
    code, out, err = matinee(*words.split(), "--data", chains)
    assert code == 1
    assert "no space left" in err
    assert json.loads(out.splitlines()[-1])["protocol"] == "next-item"


def test_a_taken_port_is_said_before_anything_slow(matinee, plays, taken, tmp_path, monkeypatch):
    code, _, err = matinee("demo", "--port", taken)
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in err
    assert not (tmp_path / "var").exists()
    matinee("data", "tabular", plays, "--workspace", "ws")
    monkeypatch.setattr(serving, "served_policies", lambda *_: pytest.fail("loaded before the port was tried"))
    code, _, err = matinee("serve", "--workspace", "ws", "--port", taken)
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{taken}" in err


def test_serve_takes_models_and_a_budget_and_says_what_it_leaves_out(matinee, plays, monkeypatch):
    apps = []
    monkeypatch.setattr(web, "run", lambda app, sock, ready: apps.append(app))
    matinee("data", "tabular", plays, "--workspace", "ws")
    for name in ("popularity", "neighbors", "markov"):
        matinee("train", name, "--workspace", "ws")
    serve = ("serve", "--workspace", "ws", "--port", "0", "--models", "factors,markov,popularity")
    code, out, err = matinee(*serve, "--max-milliseconds", "60000")
    assert code == 0, err
    assert "Warning: factors is left out: ws holds no artifact 'factors'" in out
    assert "ease-recent is left out" in out  # of the titles like another
    assert len(apps) == 1
    code, _, err = matinee(*serve, "--max-bytes", "10")
    assert code == 1
    assert re.search(r"no model is left for 'home': .* bytes and 10 are allowed; .* --max-bytes", err)


STRONG = "0123456789abcdef"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize(
    ("variables", "files", "said"),
    [
        ({"MATINEE_WRITE_KEY": ""}, {}, "MATINEE_WRITE_KEY is set and empty"),
        ({"MATINEE_READ_KEY": STRONG, "MATINEE_WRITE_KEY": ""}, {}, "MATINEE_WRITE_KEY is set and empty"),
        ({"MATINEE_WRITE_KEY": "short"}, {}, "a key has 5 characters; give at least 16"),
        ({"MATINEE_READ_KEY": STRONG, "MATINEE_WRITE_KEY": STRONG}, {}, "are equal"),
        ({}, {"write": "\n# later\n"}, "key file write holds no key"),
        ({}, {"read": STRONG, "write": f"{STRONG}\n"}, "are equal"),
    ],
)
def test_a_weak_key_opens_nothing(matinee, tmp_path, monkeypatch, host, variables, files, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    options = [word for name in files for word in (f"--{name}-key-file", name)]
    code, _, err = matinee("serve", "--port", "0", "--host", host, *options)
    assert code == 1
    assert said in err


def test_a_service_with_keys_speaks_of_no_home_page(matinee, plays, tmp_path, monkeypatch):
    asked = []

    def run(app, sock, ready):
        asked.append(app.state.service.deployment.keys)
        ready("http://there/")

    monkeypatch.setattr(web, "run", run)
    matinee("data", "tabular", plays, "--workspace", "ws")
    matinee("train", "popularity", "--workspace", "ws")
    matinee("train", "neighbors", "--workspace", "ws")
    serve = ("serve", "--workspace", "ws", "--port", "0", "--models", "popularity", "--max-milliseconds", "60000")
    _, out, _ = matinee(*serve)
    assert "Home page: http://there/" in out
    monkeypatch.setenv("MATINEE_READ_KEY", STRONG)
    (tmp_path / "write").write_text(f"# of the shop\n{STRONG[::-1]}\n")
    _, out, err = matinee(*serve, "--write-key-file", "write")
    assert "Home page" not in out, err
    assert "http://there/docs" in out
    assert [keys.open for keys in asked] == [True, False]
    assert [asked[1].role(key) for key in (STRONG, STRONG[::-1])] == ["read", "write"]


def test_a_reload_brings_back_what_served_at_the_start_or_is_refused(matinee, plays, tmp_path, monkeypatch):
    place = Workspace(tmp_path / "ws")

    def run(app, sock, ready):
        reload = app.state.service.deployment.reload
        assert [name for name, _ in reload()[1]["home"]] == ["markov", "popularity"]
        with app.state.service.deployment.grow([{"item_id": "told of"}]) as (catalog, policies):
            assert [name for name, _ in policies["home"]] == ["markov", "popularity"]
        assert reload()[0].item_ids == catalog.item_ids
        assert catalog.item_ids[-1] == "told of"
        (place.newest_artifact("markov") / "manifest.json").write_bytes(b"[]")
        with pytest.raises(ArtifactRefused, match="markov cannot be served: "):
            reload()

    monkeypatch.setattr(web, "run", run)
    matinee("data", "tabular", plays, "--workspace", "ws")
    for name in ("popularity", "neighbors", "markov"):
        matinee("train", name, "--workspace", "ws")
    words = "serve --workspace ws --port 0 --models factors,markov,popularity --max-milliseconds 60000"
    code, _, err = matinee(*words.split())
    assert code == 0, err


def test_starting_speaks_until_requests_are_answered(matinee, plays, monkeypatch):
    """Kernels are compiled while the server starts, which takes longest: progress ends when it is ready, no sooner."""
    inside = []

    @contextmanager
    def progress(what):
        inside.append(what)
        yield lambda stage, done: None
        inside.remove(what)

    def run(app, sock, ready):
        assert inside == ["starting"]
        ready("http://there/")
        assert inside == []

    matinee("data", "tabular", plays, "--workspace", "ws")
    matinee("train", "popularity", "--workspace", "ws")
    matinee("train", "neighbors", "--workspace", "ws")
    monkeypatch.setattr(cli_service, "progress_bar", progress)
    monkeypatch.setattr(web, "run", run)
    code, _, err = matinee("serve", "--workspace", "ws", "--port", "0", "--models", "popularity")
    assert code == 0, err


def test_a_second_demo_keeps_what_members_did(matinee, movies, tmp_path, monkeypatch):
    monkeypatch.setattr(web, "run", lambda app, sock, ready: ready("http://there/"))
    code, out, _ = matinee("demo", "--no-deep", "--port", "0", "--data", movies, "--workspace", "ws")
    assert code == 0
    assert "48 events are on disk in ws" in out
    days = float(re.search(r"its last event was (\S+) days ago", " ".join(out.split()))[1])
    assert 0.0 <= days <= 7.1
    assert "Home page: http://there/" in out
    place = Workspace(tmp_path / "ws")
    with EventLog(place.log_path) as log:
        log.append_events([{**log.read(2**62).row(0, named=True), "event_id": "a click"}])
    first = place.newest_artifact("ease-recent")
    assert not place.holds("sequence")
    code, out, _ = matinee("demo", "--no-deep", "--port", "0", "--data", "missing", "--workspace", "ws")
    assert code == 0
    assert "is there already" in out
    assert events_of(tmp_path / "ws") == 49
    assert place.newest_artifact("ease-recent") > first


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("torch", "most", "tried"), [(True, 48, True), (True, 47, False), (False, 48, False)])
def test_the_demo_tries_the_sequence_model_where_it_is_soon_trained(
    matinee, movies, tmp_path, monkeypatch, torch, most, tried
):
    """The data hold 48 events; what may be learned from soon is moved to just there."""
    served = []
    monkeypatch.setattr(web, "run", lambda app, sock, ready: served.append(app.state.service.deployment.reload()[1]))
    monkeypatch.setattr(demo, "SOON", most)
    monkeypatch.setattr(compiling, "compiled_meanwhile", nullcontext)  # the test above compiles beside
    for module in (demo, cli_service):
        monkeypatch.setattr(module, "installed", lambda package: torch)
    code, out, err = matinee("demo", "--port", "0", "--data", movies, "--workspace", "ws")
    assert code == 0, err
    assert Workspace(tmp_path / "ws").holds("sequence") == tried
    assert served[0]["home"][0][0] == on_home(Workspace(tmp_path / "ws"))[0], "trained is not served"
    assert ("With torch the demo tries the sequence model" in out) == (not torch)


def literals(path: Path) -> list[str]:
    """The string literals of a file; what an f-string fills in reads as one word."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    filled = [
        "".join(part.value if isinstance(part, ast.Constant) else "FILLED" for part in node.values)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
    ]
    return filled + [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_remedies_name_verbs_and_options_that_exist():
    seen = 0
    for path in SRC.rglob("*.py"):
        for text in literals(path):
            for command in re.findall(r"`matinee ([^`]+)`", text):
                verb, *rest = command.split()
                assert verb in COMMANDS, f"{path.name}: no verb {verb!r}"
                unknown = {word for word in rest if word.startswith("--")} - OPTIONS[verb]
                assert not unknown, f"{path.name}: `matinee {verb}` has no {unknown}"
                seen += 1
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text) if " " in text else ():
                assert any(option in options for options in OPTIONS.values()), f"{path.name}: no option {option}"
    assert seen >= 4


class Turns:
    """An event whose waits end when the test says so."""

    def __init__(self):
        self.waits, self.ended, self._asleep, self._turns = [], False, Semaphore(0), Semaphore(0)

    def wait(self, seconds):
        self.waits.append(seconds)
        self._asleep.release()
        self._turns.acquire()
        return self.ended

    def set(self):
        self.ended = True
        self._turns.release()

    def pass_one(self):
        self._turns.release()
        self.until_asleep()

    def until_asleep(self):
        assert self._asleep.acquire(timeout=60)


def test_long_work_says_where_it_is_where_there_is_no_terminal(capsys, monkeypatch):
    """A line each ten seconds on standard error, also while one stage lasts; stages that follow quickly add none."""
    turns = Turns()
    monkeypatch.setattr(terminal, "Event", lambda: turns)
    with terminal.progress_bar("next-item") as progress:
        turns.until_asleep()
        for n in range(9):
            progress(f"fitting model {n} [of 9]", n / 9)
        turns.pass_one()
        turns.pass_one()
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.rsplit(",", 1)[0] for line in err.splitlines()] == ["next-item: fitting model 8 [of 9]"] * 2
    assert turns.waits == [10.0] * 3
