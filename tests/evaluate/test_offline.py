"""The evaluator on worlds whose right answer is known: an oracle, a coin, a page, and no way to see the future."""

from dataclasses import replace
from functools import partial

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from matinee.data.dataset import Dataset, profiles_of
from matinee.data.splits.split import global_time, leave_last_out
from matinee.decision import Choices, Decisions, Maker, Pages, Requests, RowName, Scorer, no_progress
from matinee.errors import BadData, BadRequest, TooLarge
from matinee.evaluate import evaluate as measure
from matinee.evaluate import trial
from matinee.evaluate.measure import page_metrics
from matinee.evaluate.protocols import GLOBAL_TIME, LEAVE_LAST_OUT, PROTOCOLS
from matinee.evaluate.results import Comparison, Estimate
from matinee.evaluate.trial import rank
from matinee.events import Rejections
from matinee.history import Histories
from matinee.page import Layout, RowKind
from matinee.profile import Profile
from matinee.report import html
from matinee.report.offline import Report
from matinee.testing.worlds import make_catalog, make_events

TITLES, N = 30, 5


def world(members=60, late=10, seed=0):
    """Members who like 8 random titles over 8 hours; the last `late` of them start when the others are done."""
    rng = np.random.default_rng(seed)
    likes = [rng.permutation(TITLES)[:8].tolist() for _ in range(members)]
    starts = [3_600 * 24 * (k >= members - late) for k in range(members)]
    seconds = [[start + 3_600 * at + k for at in range(8)] for k, start in enumerate(starts)]
    events = make_events(likes, seconds)
    genres = [["Drama"] if i % 2 else ["Comedy", "Drama"] for i in range(TITLES)]
    catalog = make_catalog(TITLES, genres=genres)
    return Dataset("toy", "none", catalog, profiles_of(events), events, Rejections())


class Fake:
    """A scorer out of a function of requests; remembers what it was fitted on and asked."""

    def __init__(self, answer, asked=None):
        self.answer, self.asked = answer, asked if asked is not None else []

    def fit(self, data, rng, progress=no_progress):
        self.data = data
        return self

    def score(self, requests):
        self.asked.append((self.data, requests))
        return self.answer(self.data, requests).astype(np.float32)

    def explain(self, requests, items):
        return np.full(items.shape, -1, np.int32)

    def save(self, folder):
        raise NotImplementedError

    @classmethod
    def load(cls, folder):
        raise NotImplementedError


def popular(data, requests):
    return np.tile(np.bincount(data.matrix.indices, minlength=len(data.catalog)), (len(requests), 1))


def constant(data, requests):
    return np.zeros((len(requests), len(data.catalog)))


def oracle(split):
    """Cheats: reads the answers of the split."""

    def answer(data, requests):
        scores = np.zeros((len(requests), len(data.catalog)))
        for row, user_id in zip(scores, requests.user_ids, strict=True):
            row[split.targets[split.user_ids.index(user_id)]] = 1
        return scores

    return answer


def scorers(**more):
    made = {"popularity": partial(Fake, popular), "popularity-7d": partial(Fake, popular)}
    return made | {name: partial(Fake, answer) for name, answer in more.items()}


def evaluate(*data, **settings):
    """The report on what is measured."""
    return Report(measure(*data, **settings))


def lines(report, at=0, group=0):
    return {line.model: line.estimates for line in report.results.protocols[at].groups[group].lists.lines}


def test_fakes_are_scorers():
    assert isinstance(Fake(constant), Scorer)


@pytest.mark.parametrize(("protocol", "cut"), [(LEAVE_LAST_OUT, leave_last_out), (GLOBAL_TIME, global_time)])
def test_an_oracle_is_perfect_and_beats_both_baselines(protocol, cut):
    data = world()
    split = cut(data.events, data.catalog)
    makers = scorers(oracle=oracle(split), coin=constant)
    report = evaluate(data, makers, np.random.default_rng(1), protocols=[protocol], n=N)
    found = lines(report)["oracle"]
    wanted = np.diff(split.targets.offsets)
    assert found["ndcg"].value == pytest.approx(1)
    assert found["mrr"].value == found["hit_rate"].value == 1
    assert found["recall"].value == pytest.approx((np.minimum(wanted, N) / wanted).mean())
    table = report.results.protocols[0].groups[0].lists
    verdicts = {(c.model, c.baseline): c.verdict for c in table.comparisons if c.metric == "ndcg"}
    assert verdicts["oracle", "popularity"] == verdicts["oracle", "popularity-7d"] == "beats"
    assert verdicts["popularity-7d", "popularity"] == "is not clearly different from"


def test_a_constant_score_does_as_well_as_chance():
    """One target among the titles not yet seen, in random order: recall@n = n / unseen, within 5 standard errors."""
    data = world(members=900, late=0)
    report = evaluate(data, scorers(coin=constant), np.random.default_rng(2), protocols=[LEAVE_LAST_OUT], n=N)
    chance = N / (TITLES - 7)
    assert lines(report)["coin"]["recall"].value == pytest.approx(chance, abs=5 * (chance * (1 - chance) / 900) ** 0.5)


def test_intervals_hold_their_value_and_bound_the_metrics():
    report = evaluate(world(), scorers(coin=constant), np.random.default_rng(3), n=N)
    for protocol in report.results.protocols:
        for line in protocol.groups[0].lists.lines:
            for key, one in line.estimates.items():
                assert one.low <= one.value <= one.high, key
                if key in {"recall", "ndcg", "mrr", "hit_rate", "diversity"}:
                    assert 0 <= one.low <= one.high <= 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_nothing_known_later_is_seen(protocol):
    """Whatever a scorer does, its histories end before the request, and its training holds none of the targets."""
    data, asked = world(), []
    makers = scorers() | {"spy": partial(Fake, constant, asked)}
    evaluate(data, makers, np.random.default_rng(4), protocols=[protocol], n=N)
    split = protocol.cut(data, "test")
    targets = {(user, int(i)) for k, user in enumerate(split.user_ids) for i in split.targets[k]}
    assert asked
    for learned, requests in asked:
        ends = np.repeat(requests.times, np.diff(requests.histories.offsets))
        assert (requests.histories.times < ends).all()
        assert (learned.events["timestamp"].cast(pl.Int64) < learned.as_of).all()
        assert not targets & set(zip(learned.events["user_id"], learned.events["item"], strict=True))


def test_data_without_times_are_not_cut_in_time():
    report = evaluate(replace(world(), timed=False), scorers(), np.random.default_rng(0), n=N)
    assert [protocol.name for protocol in report.results.protocols] == ["leave-last-out"]


def test_the_future_does_not_change_what_is_learned():
    """What is learned at a time cut stays the same when what happens after it is scrambled."""
    data, asked = world(), []
    makers = scorers() | {"spy": partial(Fake, popular, asked)}
    evaluate(data, makers, np.random.default_rng(5), protocols=[GLOBAL_TIME], n=N)
    cut = asked[0][0].as_of
    later = pl.col("timestamp").cast(pl.Int64) >= cut
    other_title = pl.when(later).then(pl.lit("t3")).otherwise("item_id").alias("item_id")
    scrambled = replace(data, events=data.events.with_columns(other_title))
    evaluate(scrambled, makers, np.random.default_rng(5), protocols=[GLOBAL_TIME], n=N)
    assert (asked[0][0].matrix != asked[1][0].matrix).nnz == 0


def test_warm_and_cold_members_stand_apart():
    data = world(late=5)  # 40 of 480 events: the last tenth begins just before them
    report = evaluate(data, scorers(), np.random.default_rng(6), protocols=[GLOBAL_TIME], n=N)
    whole, warm, cold = report.results.protocols[0].groups
    assert (whole.name, warm.name, cold.name) == ("all", "warm", "cold")
    assert whole.members == warm.members + cold.members
    assert cold.members == 5
    assert np.isnan(lines(report, group=2)["popularity"]["miscalibration"].value)


def test_lists_leave_out_what_was_seen_and_what_may_not_be_shown():
    catalog = make_catalog(6).close(["t5"])
    histories = Histories.of_items([[0, 1], []])
    profiles = (Profile("a"), Profile("b", blocked_titles=("t2",)))
    requests = Requests.of_histories(histories, 10**15, profiles=profiles)
    scorer = Fake(lambda data, asked: np.tile(np.arange(6), (2, 1)))
    scorer.data = None
    ranked = rank(catalog, scorer, requests, 5, np.arange(6))
    assert ranked.tolist() == [[4, 3, 2, -1, -1], [4, 3, 1, 0, -1]]


def test_a_score_that_is_no_number_is_refused():
    broken = scorers(broken=lambda data, requests: constant(data, requests) * np.nan)
    protocol = evaluate(world(), broken, np.random.default_rng(0), n=N).results.protocols[0]
    assert "not finite" in protocol.refused["broken"]
    assert "broken" not in protocol.seconds


def test_a_refused_model_stops_no_other():
    def huge(*_):
        raise TooLarge("it needs 90 GB")

    data, rng = world(), np.random.default_rng(0)
    report = evaluate(data, scorers(huge=huge), rng, policies={"huge, page": huge}, n=N)
    protocol = report.results.protocols[0]
    assert protocol.refused == {"huge": "it needs 90 GB", "huge, page": "it needs 90 GB"}
    assert "huge was refused and has no place: it needs 90 GB" in report.json()["protocols"][0]["findings"]
    assert set(lines(report)) == set(scorers())
    with pytest.raises(BadData, match="huge: it needs 90 GB"):
        evaluate(data, {"huge": huge}, rng, n=N, baselines=())


def test_missing_baselines_and_empty_protocols_are_explained():
    with pytest.raises(BadRequest, match="popularity-7d"):
        evaluate(world(), {"popularity": partial(Fake, popular)}, np.random.default_rng(0))
    watched = world()
    silent = replace(watched, events=watched.events.with_columns(pl.lit(0.0).alias("value")))
    with pytest.raises(BadRequest, match="no member"):
        evaluate(silent, scorers(), np.random.default_rng(0))


def test_same_seed_same_numbers():
    data = world()
    first, second = (evaluate(data, scorers(), np.random.default_rng(7), n=N).json() for _ in range(2))
    for report in (first, second):
        for protocol in report["protocols"]:
            protocol.pop("seconds")
    assert first == second


def test_more_models_and_protocols_do_not_change_what_a_model_scores():
    data = world()
    few = evaluate(data, scorers(), np.random.default_rng(11), n=N)
    more = evaluate(data, scorers(coin=constant), np.random.default_rng(11), n=N)
    for at in (0, 1):
        for key, one in lines(few, at)["popularity"].items():
            assert lines(more, at)["popularity"][key].value == pytest.approx(one.value, nan_ok=True)


def test_small_blocks_give_the_same_numbers(monkeypatch):
    data = world()
    whole = evaluate(data, scorers(coin=constant), np.random.default_rng(10), n=N)
    monkeypatch.setattr(trial, "SCORES_BYTES", 7 * TITLES * trial.BYTES_PER_SCORE)
    in_sevens = evaluate(data, scorers(coin=constant), np.random.default_rng(10), n=N)
    assert [lines(whole, at) for at in (0, 1)] == [lines(in_sevens, at) for at in (0, 1)]


LAYOUT = Layout(rows=4, columns=6, visible=3)


class Fixed:
    """A policy that shows these titles to everybody."""

    def __init__(self, rows):
        self.rows = np.array(rows, np.int32)

    def decide(self, requests, rng):
        pages = Pages.empty(len(requests), requests.layout, (RowName(RowKind.TOP_PICKS),))
        pages.items[:] = self.rows
        pages.rows[:] = np.where((self.rows >= 0).any(axis=1), 0, -1)
        return Decisions(
            requests,
            ("",) * len(requests),
            (Maker("fake"),),
            Choices.of_pages(pages, np.ones_like(pages.rows), np.full_like(pages.rows, TITLES)),
            np.full(len(requests), TITLES, np.int32),
            np.zeros(len(requests), np.uint64),
            pages.names,
        )

    def log_prob(self, decisions):
        return np.zeros(len(decisions.choices.actions))


def test_pages_are_measured_and_compared_with_the_first_policy():
    every = np.arange(24).reshape(4, 6)
    policies = {"plain": lambda data, rng: Fixed(np.full((4, 6), -1)), "full": lambda data, rng: Fixed(every)}
    data = world(members=400, late=0)
    report = evaluate(
        data, scorers(), np.random.default_rng(8), protocols=[LEAVE_LAST_OUT], policies=policies, layout=LAYOUT, n=N
    )
    pages = report.results.protocols[0].groups[0].pages
    keys = [metric.key for metric in page_metrics(LAYOUT)]
    assert keys == ["recall@1x3", "recall@3x3", "recall@4x3", "recall@4x6", "ndcg2d"]
    plain, full = (line.estimates for line in pages.lines)
    assert all(one.value == 0 for one in plain.values())
    for key, places in zip(keys[:-1], (3, 9, 12, 24), strict=True):
        chance = places / TITLES  # the last liked title is any of them
        assert full[key].value == pytest.approx(chance, abs=5 * (chance * (1 - chance) / 400) ** 0.5)
    assert [(c.model, c.baseline, c.verdict) for c in pages.comparisons] == [("full", "plain", "beats")]
    assert any("pages" in said for said in report.json()["protocols"][0]["findings"])
    assert "Pages for all members" in html.render(report.results)


def test_three_forms_say_the_same(tmp_path):
    data = replace(world(), name="<b>toy</b> & co")
    split = leave_last_out(data.events, data.catalog)
    report = evaluate(data, scorers(oracle=oracle(split)), np.random.default_rng(9), n=N)
    console = Console(width=100, record=True, file=(tmp_path / "out.txt").open("w"))
    console.print(report.table())
    text = console.export_text()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "…" not in text
    plain = report.json()
    recall = plain["protocols"][0]["groups"][0]["lists"]["lines"][2]["estimates"]["recall"]["value"]
    report.write_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert recall == 1
    assert "oracle" in text
    assert "1.000" in text
    assert "<b>1.000</b>" in page
    assert "<b>toy</b>" not in page
    for said in plain["protocols"][0]["findings"]:
        assert said.split(": ")[1][:30] in page.replace("&lt;", "<").replace("&#34;", '"')
    for outside in ("http://", "https://", "src=", "@import", "url("):
        assert outside not in page


@pytest.mark.parametrize(
    ("value", "p", "verdict"),
    [(0.1, 0.01, "beats"), (-0.1, 0.01, "loses to"), (0.1, 0.05, "is not clearly different from")],
)
def test_verdicts(value, p, verdict):
    assert Comparison("a", "b", "ndcg", Estimate(value, value, value), 0.01, p).verdict == verdict
