"""The leaderboard on worlds whose right answer is known, and its three forms."""

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from matinee.data.dataset import Dataset, profiles_of
from matinee.decision import no_progress
from matinee.errors import BadData, BadRequest, MissingExtra, TooLarge
from matinee.evaluate import trial as trials
from matinee.evaluate.cost import watched
from matinee.evaluate.leaderboard import leaderboard
from matinee.evaluate.measure import AUC, HIT_RATE, NDCG, Cutoff, measure_hits
from matinee.evaluate.protocols import LEADERBOARDS, NEXT_ITEM, SHOWN_LISTS, TIME_SPLIT, Protocol
from matinee.evaluate.published import Published
from matinee.evaluate.summarise import by_member
from matinee.evaluate.trial import prepare
from matinee.events import clean
from matinee.maths.ragged import Ragged
from matinee.report.board import Board
from matinee.testing.worlds import make_catalog, make_events

TITLES = 30
NOBODY = {"user_ids": [], "as_of": np.empty(0, np.int64), "targets": Ragged.of([])}


class Fake:
    """A scorer that answers with a function of (its random numbers, requests); saves one file of 1,000 bytes."""

    def __init__(self, answer):
        self.answer = answer

    def fit(self, data, rng, progress=no_progress):
        self.data, self.rng = data, rng
        progress("half", 0.5)
        return self

    def score(self, requests):
        return self.answer(self, requests).astype(np.float32)

    def save(self, folder):
        (folder / "weights").write_bytes(b"x" * 1_000)


def popular(fake, requests):
    return np.tile(np.bincount(fake.data.matrix.indices, minlength=len(fake.data.catalog)), (len(requests), 1))


def coin(fake, requests):
    return fake.rng.random((len(requests), len(fake.data.catalog)))


def oracle(split):
    def answer(fake, requests):
        scores = np.zeros((len(requests), len(fake.data.catalog)))
        for row, user_id in zip(scores, requests.user_ids, strict=True):
            row[split.targets[split.user_ids.index(user_id)]] = 1
        return scores

    return answer


def world(members=60, seed=0):
    rng = np.random.default_rng(seed)
    events = make_events([rng.permutation(TITLES)[:8].tolist() for _ in range(members)])
    genres = [["Drama"] if i % 2 else ["Comedy", "Drama"] for i in range(TITLES)]
    return Dataset("toy", "none", make_catalog(TITLES, genres=genres), profiles_of(events), events)


def board_of(data, protocol=NEXT_ITEM, fits=1, **answers):
    models = {"popularity": partial(Fake, popular)} | {name: partial(Fake, one) for name, one in answers.items()}
    return leaderboard(data, protocol, models, fits=fits)


def lines(group):
    return {line.model: line.estimates for line in group.lists.lines}


def test_an_oracle_stands_first_and_beats_the_best_baseline():
    data = world()
    found = board_of(data, oracle=oracle(NEXT_ITEM.cut(data, "test")), coin=coin)
    assert next(iter(found.costs)) == "oracle"
    assert found.baseline == "popularity"
    assert all(lines(found.groups[0])["oracle"][cutoff.named.key].value == 1 for cutoff in NEXT_ITEM.metrics)
    verdicts = {c.model: c.verdict for c in found.groups[0].lists.against("popularity", "ndcg@10")}
    assert verdicts == {"oracle": "beats", "coin": "is not clearly different from"}
    behind = {c.model: c.verdict for c in found.groups[0].lists.against("oracle", "ndcg@10")}
    assert behind == {"popularity": "loses to", "coin": "loses to"}


def test_a_coin_hits_as_often_as_chance():
    """Each of 23 unseen titles is as likely to be among the first 10: hit rate 10 / 23 within 5 standard errors."""
    found = board_of(world(members=900), coin=coin)
    chance = 10 / (TITLES - 7)
    error = (chance * (1 - chance) / 900) ** 0.5
    assert lines(found.groups[0])["coin"]["hit_rate@10"].value == pytest.approx(chance, abs=5 * error)


def test_chance_is_fitted_with_every_seed_and_certainty_twice():
    told = []
    models = {"popularity": partial(Fake, popular), "coin": partial(Fake, coin)}
    found = leaderboard(world(), NEXT_ITEM, models, fits=3, progress=lambda what, done: told.append(what))
    fits = [sum(what.startswith(name) and what.endswith("fitting") for what in told) for name in models]
    assert fits == [2, 3]
    assert len(found.seed_means["popularity"]["ndcg@10"]) == 1
    assert math.isnan(found.spread("popularity", "ndcg@10"))
    means = found.seed_means["coin"]["ndcg@10"]
    assert lines(found.groups[0])["coin"]["ndcg@10"].value == pytest.approx(np.mean(means))
    assert found.spread("coin", "ndcg@10") == pytest.approx(np.std(means, ddof=1)) != 0


def test_the_same_seed_gives_the_same_numbers_and_a_model_does_not_change_another():
    first, second = board_of(world(), coin=coin), board_of(world(), coin=coin, oracle=popular)
    assert lines(first.groups[0])["coin"] == lines(second.groups[0])["coin"]


def test_small_blocks_give_the_same_numbers(monkeypatch):
    whole = board_of(world(), again=popular)
    monkeypatch.setattr(trials, "SCORES_BYTES", 7 * TITLES * trials.BYTES_PER_SCORE)
    assert [lines(group) for group in board_of(world(), again=popular).groups] == [lines(g) for g in whole.groups]


def test_cold_titles_stand_apart_from_warm_ones():
    """Two members turn last to a title that nobody else knows: with it first or last, only the cold titles change."""
    likes = [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 3], [1, 0, 3]]
    events = make_events(likes)
    data = Dataset("toy", "none", make_catalog(4), profiles_of(events), events)

    def first(fake, requests):
        return np.tile([0, 0, 0, 9], (len(requests), 1))

    found = board_of(data, first=first)
    groups = {group.name: group for group in found.groups}
    assert (groups["warm titles"].members, groups["cold titles"].members) == (3, 2)
    assert lines(groups["cold titles"])["first"]["hit_rate@10"].value == 1
    assert lines(groups["cold titles"])["first"]["mrr@20"].value == 1
    assert (
        lines(groups["cold titles"])["popularity"]["mrr@20"].value == 1 / 2
    )  # of two titles not seen, the other leads
    assert lines(groups["warm titles"])["first"]["mrr@20"].value == 1 / 2


def test_a_member_who_asks_often_counts_once():
    values = np.array([[1.0, np.nan], [0.0, np.nan], [1.0, 4.0]])
    means = by_member(values, np.array([7, 7, 3]))
    assert means[0].tolist() == [1, 4]
    assert means[1][0] == 0.5
    assert math.isnan(means[1][1])


def test_cutoffs_count_only_the_titles_asked_for():
    ranked, targets = np.array([[4, 2, 0], [1, 3, -1]], np.int32), Ragged.of([[0, 2], [3]])
    cutoffs = [Cutoff(NDCG, 1), Cutoff(HIT_RATE, 3), Cutoff(AUC, None)]
    every = measure_hits(ranked, targets, cutoffs)
    assert every.tolist() == [[0, 1, 0], [0, 1, 0]]
    counted = np.array([True, False, False, False, False])
    only_0 = measure_hits(ranked, targets, cutoffs, counted)
    assert only_0[0].tolist() == [0, 1, 0]
    assert np.isnan(only_0[1]).all()


def test_costs_are_measured():
    found = board_of(world(), slow=popular)
    for cost in found.costs.values():
        assert cost.artifact_bytes == 1_000
        assert cost.fit_seconds > 0 < cost.request_ms


def test_the_peak_of_fitting_is_seen_though_it_is_gone_after():
    def fit():
        return float(np.ones(8_000_000).sum())  # 64 MB that are gone when it returns

    _, _, held = watched(fit)
    if held is None:
        pytest.skip("this system does not tell the peak of memory")
    assert 60e6 < held < 200e6


def test_progress_is_told_from_nothing_to_all():
    told = []
    models = {"a": partial(Fake, popular), "b": partial(Fake, popular)}
    leaderboard(world(), NEXT_ITEM, models, fits=1, progress=lambda what, done: told.append((what, done)))
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert any(what == "b: seed 1: fitting: half" for what, _ in told)


def test_published_results_stand_beside_those_of_the_same_data():
    names = {protocol.name: protocol.published for protocol in LEADERBOARDS}
    assert set(names["ncf"]) == {"MovieLens 1M"}
    for tables in names.values():
        for rows in tables.values():
            assert all(isinstance(one, Published) and 0 < min(one.figures.values()) < 1 for one in rows)
    assert board_of(world()).published == ()


def test_every_protocol_names_its_source_split_seed_and_ties():
    for protocol in LEADERBOARDS:
        for word in ("Source:", "Split:", "Seed:", "Ties:"):
            assert word in protocol.about, (protocol.name, word)


def test_nothing_to_compare_is_explained():
    with pytest.raises(BadRequest, match="at least one"):
        leaderboard(world(), NEXT_ITEM, {})
    nobody = Protocol("nobody", "", lambda data, part: replace(NEXT_ITEM.cut(data, part), **NOBODY))
    with pytest.raises(BadRequest, match="no member"):
        prepare(world(), nobody, np.random.default_rng(0))


def fails(error):
    def answer(fake, requests):
        raise error

    return answer


def not_a_number(fake, requests):
    return np.full((len(requests), len(fake.data.catalog)), np.nan)


def test_a_refused_model_leaves_the_others_their_board(tmp_path):
    models = {
        "huge": partial(Fake, fails(TooLarge("it needs <90> GB; take fewer titles"))),
        "popularity": partial(Fake, popular),
        "diverged": partial(Fake, not_a_number),
        "coin": partial(Fake, coin),
    }
    found = leaderboard(world(), NEXT_ITEM, models, fits=2, baselines=("diverged",))
    board = Board(found)
    assert set(found.costs) == set(lines(found.groups[0])) == {"popularity", "coin"}
    assert found.baseline == "popularity", "a refused model is no baseline"
    assert list(found.refused) == ["huge", "diverged"]
    assert "not finite" in found.refused["diverged"]
    reason = "it needs <90> GB; take fewer titles"
    assert board.json()["refused"]["huge"] == reason
    console = Console(width=100, record=True, file=(tmp_path / "out.txt").open("w"))
    console.print(board.table())
    assert f"huge was refused and has no place: {reason}" in console.export_text()
    board.write_html(tmp_path / "board.html")
    assert "huge was refused and has no place: it needs &lt;90&gt; GB" in (tmp_path / "board.html").read_text()


def test_when_every_model_is_refused_the_reasons_are_given():
    models = {name: partial(Fake, fails(TooLarge(f"no room for {name}"))) for name in "ab"}
    with pytest.raises(BadData, match="a: no room for a; b: no room for b"):
        leaderboard(world(), NEXT_ITEM, models, fits=1)


def missing():
    raise MissingExtra("nonesuch is not installed")


def test_a_model_without_its_package_stops_no_other():
    models = {"popularity": partial(Fake, popular), "gone": missing}
    found = leaderboard(world(), NEXT_ITEM, models, fits=1)
    assert found.refused == {"gone": "nonesuch is not installed"}
    assert list(found.costs) == ["popularity"]


def test_without_any_package_it_is_told_before_anything_is_cut():
    uncut = Protocol("uncut", "", lambda data, part: pytest.fail("the data were cut"))
    with pytest.raises(MissingExtra, match="gone: nonesuch is not installed"):
        leaderboard(world(), uncut, {"gone": missing})


def test_an_error_that_is_not_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        leaderboard(world(), NEXT_ITEM, {"wrong": partial(Fake, fails(ZeroDivisionError()))})


def test_validation_holds_nothing_of_the_test():
    data = world()
    test, validation = (prepare(data, TIME_SPLIT, np.random.default_rng(0), part) for part in ("test", "validation"))
    assert validation.data.as_of < test.data.as_of
    assert (validation.requests.times < test.requests.times.min()).all()


def test_lists_that_were_shown_are_ranked_among_themselves(shown_world):
    trial = prepare(shown_world, SHOWN_LISTS, np.random.default_rng(0))
    ranked = trial.rank(Fake(popular).fit(trial.data, None), np.arange(len(trial.requests)), 20)
    for b, row in enumerate(ranked):
        assert sorted(row[row >= 0].tolist()) == sorted(trial.candidates[b].tolist())
    found = leaderboard(shown_world, SHOWN_LISTS, {"popularity": partial(Fake, popular)}, fits=1)
    assert found.groups[0].beyond is None


@pytest.fixture
def shown_world():
    """Each of 20 members is shown two lists of four and likes one title of each."""
    rng = np.random.default_rng(5)
    rows = []
    for member in range(20):
        for list_ in range(2):
            shown = rng.permutation(TITLES)[:4]
            base = (f"m{member}", f"d{member}-{list_}", 1_700_000_000 + 60 * list_)
            rows += [(*base, f"t{item}", "impression", at) for at, item in enumerate(shown)]
            rows.append((*base, f"t{shown[0]}", "thumbs_up", 0))
    frame = pl.DataFrame(rows, ["user_id", "decision_id", "timestamp", "item_id", "kind", "column"], orient="row")
    events = clean(frame.with_row_index("event_id").with_columns(pl.col("event_id").cast(pl.String)))[0]
    return Dataset("shown", "none", make_catalog(TITLES), profiles_of(events), events)


def test_three_forms_say_the_same(tmp_path):
    data = replace(world(), name="<b>toy</b> & co")
    models = {"popularity": partial(Fake, popular), "oracle": partial(Fake, oracle(NEXT_ITEM.cut(data, "test")))}
    board = Board(leaderboard(data, NEXT_ITEM, models, fits=1))
    console = Console(width=100, record=True, file=(tmp_path / "out.txt").open("w"))
    console.print(board.table())
    text = console.export_text()
    assert "…" not in text
    assert "1.0000" in text or "1.00 ±" in text
    found = json.loads(json.dumps(board.json()))
    assert found["groups"][0]["lists"]["lines"][0]["estimates"]["ndcg@10"]["value"] == 1
    assert found["main"] == "ndcg@10"
    assert any("oracle" in said for said in found["findings"])
    board.write_html(tmp_path / "board.html")
    page = (tmp_path / "board.html").read_text()
    assert "<b>1.0000</b>" in page
    assert "<b>toy</b>" not in page
    assert "nan" not in page.lower().replace("nanoseconds", "")
    assert page.count("<svg") == 6
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page
