"""The sequence model: the contract for every body, and worlds in which order, time, place or content decide."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from shutil import copytree, rmtree

import numpy as np
import polars as pl
import pytest
import torch

from matinee.decision import Context, Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.models.content.features import TitleEncoder
from matinee.models.deep import fitting
from matinee.models.deep.tokens import HISTORY
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.sequence import Body, Loss, Reading, Sequence, SequenceConfig, Training
from matinee.testing import assert_same, check_scorer, checkerboard, cyclic
from matinee.testing.worlds import make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = SequenceConfig(
    size=16, layers=1, heads=1, length=20, unknown=0.5, training=Training(epochs=8, batch=16, rate=3e-2)
)
HOUR = 3_600
# a reader that is trained for long knows the checkerboard's forty members by heart, not their taste: stop early
BRIEF = replace(TINY, recent=0, training=Training(epochs=12, batch=16, rate=1e-2))


def fit(data, seed=0, **changes):
    return Sequence(replace(TINY, **changes)).fit(data, np.random.default_rng(seed))


def scores_of(scorer, lists, **fields):
    return scorer.score(Requests.of_histories(Histories.of_items(lists), **fields))


@pytest.mark.parametrize(
    "body",
    [Body.TRANSFORMER, *(pytest.param(b, marks=pytest.mark.slow) for b in (Body.BAG, Body.GRU, Body.CONVOLUTION))],
)
def test_keeps_the_contract(body):
    check_scorer(lambda: Sequence(replace(BRIEF, body=body)))


@pytest.mark.parametrize(("body", "half"), [*((body, False) for body in Body), (Body.TRANSFORMER, True)])
def test_order_tells_what_comes_next(body, half, monkeypatch):
    """Going round a circle, the next title is the best of those not seen, in float32 and in bfloat16, even emulated."""
    monkeypatch.setattr(fitting, "multiplies_halves", lambda device: half)
    training = Training(epochs=20, batch=32, rate=3e-2, half=half)
    scorer = fit(cyclic(120, length=6), body=body, training=training)
    starts = np.arange(12)
    seen = (starts[:, None] + np.arange(3)) % 12
    scores = scores_of(scorer, seen.tolist())
    scores[starts[:, None], seen] = -np.inf
    assert (scores.argmax(axis=1) == (starts + 3) % 12).mean() >= 0.9


def test_without_order_a_history_is_a_set():
    scorer = fit(cyclic(60), reading=Reading(order=False))
    one, other = scores_of(scorer, [[1, 2, 3], [3, 1, 2]])
    np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("order", [True, False])
def test_a_long_history_speaks_by_its_latest_titles(order):
    """Of eight titles the network reads four: those played last, whatever their numbers."""
    scorer = fit(cyclic(60), reading=Reading(order=order), length=4, kappa=1e-9)
    whole, other_old, other_new = scores_of(
        scorer, [[8, 9, 10, 11, 0, 1, 2, 3], [4, 5, 6, 7, 0, 1, 2, 3], [8, 9, 10, 11, 4, 5, 6, 7]]
    )
    np.testing.assert_allclose(whole, other_old, rtol=1e-5, atol=1e-6)
    assert np.abs(whole - other_new).max() > 1e-2


def hourly_world():
    """Everybody watches title 0 to 3 at noon or 4 to 7 at midnight, whatever they watched before."""
    rng = np.random.default_rng(0)
    likes, seconds = [], []
    for _ in range(150):
        at_noon = rng.permutation([True] * 3 + [False] * 3)
        noons, nights = iter(rng.permutation(4)), iter(rng.permutation(4) + 4)
        likes.append([int(next(noons if noon else nights)) for noon in at_noon])
        seconds.append([(24 * day + (14 if noon else 2)) * HOUR for day, noon in enumerate(at_noon)])
    return make_data(make_events(likes, seconds), make_catalog(8))  # the world starts at 22:13


@pytest.mark.parametrize("body", [Body.TRANSFORMER, Body.BAG])
def test_the_time_of_the_request_decides(body):
    scorer = fit(hourly_world(), body=body, training=Training(epochs=15, batch=16, rate=2e-2))
    noon, night = (int(datetime(2024, 6, 4, hour, 20, tzinfo=UTC).timestamp() * 1e6) for hour in (12, 0))
    scores = scores_of(scorer, [[1], [5], [1], [5]], times=np.array([noon, noon, night, night]))
    scores[[0, 1, 2, 3], [1, 5, 1, 5]] = np.nan  # what was seen says nothing here
    gaps = np.nanmean(scores[:, :4], axis=1) - np.nanmean(scores[:, 4:], axis=1)
    assert (gaps[:2] > 1).all()
    assert (gaps[2:] < -1).all()


def test_without_time_the_clock_is_not_read():
    scorer = fit(hourly_world(), reading=Reading(time=False))
    noon, night = (int(datetime(2024, 6, 4, hour, tzinfo=UTC).timestamp() * 1e6) for hour in (12, 0))
    one, other = (scorer.answers(Requests.of_histories(Histories.of_items([[1, 5]]), at)) for at in (noon, night))
    assert_same(one, other)


def fashions():
    """All begin with title 8. A year ago they went on to titles 0 to 3, in the last week to 4 to 7, as many of each."""
    rng = np.random.default_rng(0)
    likes = [[8, *(rng.permutation(4)[:3] + 4 * (k % 2)).tolist()] for k in range(160)]
    seconds = [[(24 * 7 * 52 * (k % 2) + at) * HOUR for at in range(4)] for k in range(160)]
    return make_data(make_events(likes, seconds), make_catalog(9))


def lead_of_the_latest(time):
    """By how much the network alone (hardly any `kappa`) scores the last week's titles higher, in the mean of 4 fits.

    With time a fit gives 5.5 +- 2.6 over 96 seeds, so the mean of 4 is below 1 once in 3,000 times.
    """
    data, leads = fashions(), []
    for seed in range(4):
        training = Training(epochs=15, batch=16, rate=2e-2)
        scorer = fit(data, seed, reading=Reading(time=time), training=training, kappa=1e-6)
        scores = scores_of(scorer, [[8]], times=data.as_of)[0]
        leads.append(scores[4:8].mean() - scores[:4].mean())
    return np.mean(leads)


def test_what_is_chosen_lately_is_chosen_now():
    assert lead_of_the_latest(time=True) > 1


def test_without_time_nothing_is_of_a_fashion():
    assert abs(lead_of_the_latest(time=False)) < 0.5


def test_the_place_of_the_request_decides():
    likes = [[k % 3, 3 + k % 3] for k in range(120)]
    events = make_events(likes)
    danish = pl.col("item_id").is_in(["t0", "t1", "t2"])
    events = events.with_columns(pl.when(danish).then(pl.lit("DK")).otherwise(pl.lit("NO")).alias("country"))
    events = pl.concat(
        [
            events,
            make_events([[3 + k % 3, k % 3] for k in range(120)]).with_columns(
                pl.col("user_id") + "x",
                pl.col("event_id") + "x",
                pl.when(danish).then(pl.lit("DK")).otherwise(pl.lit("NO")).alias("country"),
            ),
        ]
    )
    scorer = fit(make_data(events, make_catalog(6)), training=Training(epochs=15, batch=16, rate=2e-2))
    contexts = (Context("DK"), Context("NO"))
    dane, norwegian = scores_of(scorer, [[0], [0]], contexts=contexts)
    assert dane[1:3].mean() - dane[3:].mean() > norwegian[1:3].mean() - norwegian[3:].mean() + 1


def genre_world():
    """Two genres, nobody likes both; of each the last three titles were never played."""
    rng = np.random.default_rng(1)
    likes = [(rng.permutation(9)[:6] + 12 * (k % 2)).tolist() for k in range(80)]
    genres = [["drama"]] * 12 + [["comedy"]] * 12
    return make_data(make_events(likes), make_catalog(24, genres=genres))


def test_gbce_learns_tastes():
    training = Training(epochs=40, batch=16, rate=2e-2)
    scorer = fit(genre_world(), loss=Loss.GBCE, negatives=16, training=training)
    drama, comedy = scores_of(scorer, [[0, 1, 2], [12, 13, 14]])
    assert drama[3:9].mean() > drama[12:21].mean() + 1
    assert comedy[15:21].mean() > comedy[:9].mean() + 1


@pytest.mark.parametrize("exact_up_to", [100, 0])
def test_a_title_that_nobody_played_is_known_by_its_content(exact_up_to):
    training = Training(epochs=15, batch=16, rate=2e-2)
    scorer = fit(genre_world(), exact_up_to=exact_up_to, id_dropout=0.3, negatives=16, training=training)
    drama, comedy = scores_of(scorer, [[0, 1, 2], [12, 13, 14]])
    assert drama[9:12].min() > drama[21:].max()
    assert comedy[21:].min() > comedy[9:12].max()


def test_titles_appended_after_fitting_speak_and_are_scored_by_content(tmp_path):
    data = genre_world()
    scorer = fit(data, id_dropout=0.3, training=Training(epochs=15, batch=16, rate=2e-2))
    genres = [*data.catalog.titles["genres"].to_list(), ["comedy"], ["drama"]]
    wide = scorer.for_titles(make_catalog(26, genres=genres))
    lists = [[], [0, 1, 2], [12, 13, 14]]
    nobody, drama, comedy = scores_of(wide, lists)
    assert drama[25] > drama[24]
    assert comedy[24] > comedy[25]
    assert nobody[24] == nobody[25] == nobody[:24].min(), "without a history nothing tells new titles apart"
    np.testing.assert_allclose(drama[:24], scores_of(scorer, lists)[1], rtol=0.05, atol=0.05)
    after = scores_of(wide, [[24]])[0]
    assert after[21:24].min() > after[9:12].max(), "a like of a new comedy speaks for comedies"
    again = scorer.for_titles(make_catalog(25, genres=genres[:25])).for_titles(make_catalog(26, genres=genres))
    assert_same(scores_of(again, lists), scores_of(wide, lists))
    wide.save(tmp_path)
    assert_same(scores_of(Sequence.load(tmp_path), lists), scores_of(scorer, lists))


def test_a_reason_is_the_title_that_adds_most_when_it_comes_last_and_when_it_stands_alone():
    scorer = fit(checkerboard())
    history, asked = [0, 2, 5], np.arange(12, dtype=np.int32)
    vectors = scorer.title_vectors[:, :-1]
    apart = vectors - vectors.mean(axis=0)

    def value(titles):
        return apart @ scorer.answers(Requests.of_histories(Histories.of_items([titles])))[0]

    added = [(value(history) - value([t for t in history if t != one]) + value([one])) / 2 for one in history]
    expected = np.where(np.max(added, axis=0) > 0, np.array(history)[np.argmax(added, axis=0)], -1)
    requests = Requests.of_histories(Histories.of_items([history]))
    assert scorer.explain(requests, asked[None])[0].tolist() == expected.tolist()


@pytest.mark.parametrize("body", Body)
def test_a_title_has_a_reason_although_any_of_several_would_do(body):
    data, asked, found = checkerboard(), np.arange(6, 12, 2, dtype=np.int32)[None], []
    for seed in range(3):
        scorer = Sequence(replace(BRIEF, body=body)).fit(data, np.random.default_rng(seed))
        found.append(scorer.explain(Requests.of_histories(Histories.of_items([[0, 2, 4]])), asked)[0])
    assert (np.array(found) >= 0).mean() > 0.75


def test_an_empty_history_has_exactly_the_order_of_popularity():
    scorer = fit(cyclic(50))
    scores = scores_of(scorer, [[]])
    popular = scorer._fitted.prior.popularity.score(Requests.of_histories(Histories.empty(1)))
    assert (np.argsort(-scores) == np.argsort(-popular)).all()


def test_long_and_strange_histories_are_answered():
    scorer = fit(cyclic(30))
    rng = np.random.default_rng(0)
    strange = [rng.integers(0, 12, 20_000).tolist(), [3] * 500, [0, 19, 1], [19]]
    scores = scores_of(scorer, strange, contexts=(Context(), Context("ZZ", "toaster", hour=99), Context(), Context()))
    assert np.isfinite(scores).all()
    answers = scorer.answers(Requests.of_histories(Histories.of_items([*strange[2:], [0, 1], []])))
    np.testing.assert_allclose(answers[:2], answers[2:], rtol=1e-5, atol=1e-6)
    fit(make_data(make_events(strange[:1]), make_catalog(12)))


def test_refitting_goes_on_from_where_it_was_and_knows_new_titles():
    data = genre_world()
    scorer = fit(data, training=Training(epochs=15, batch=16, rate=2e-2))
    before = scores_of(scorer, [[0, 1, 2]])[0]
    genres = [*data.catalog.titles["genres"].to_list(), ["comedy"], ["drama"]]
    grown = make_data(data.events.drop("item"), make_catalog(26, genres=genres))
    gentle = Sequence(replace(scorer.config, refit_epochs=1, training=Training(epochs=1, batch=16, rate=1e-6)))
    gentle._fitted = scorer._fitted
    after = scores_of(gentle.refit(grown, np.random.default_rng(0)), [[0, 1, 2]])[0]
    assert after.shape == (26,)
    np.testing.assert_allclose(after[:24] - after[:24].mean(), before - before.mean(), atol=0.05)
    assert after[25] - after[24] > 0.5 * (before[9:12].mean() - before[21:].mean())


def test_training_may_start_from_the_vectors_of_factors():
    given = []

    def initial(data, rng):
        given.append(Factors(FactorsConfig(size=8)).fit(data, rng).state()[0].factors)
        return given[0]

    config = replace(TINY, training=Training(epochs=1, batch=16, rate=1e-6))
    scorer = Sequence(config, initial).fit(checkerboard(), np.random.default_rng(0))
    started = scorer._fitted.network.titles.embeddings[:, :8].detach().numpy()
    assert np.corrcoef(started.ravel(), given[0].ravel())[0, 1] > 0.999


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"heads": 3},
        {"dropout": 1.0},
        {"length": 0},
        {"body": "tree"},
        {"loss": "hinge"},
        {"calibration": 2.0},
        {"layers": 1.5},
        {"layers": 10**8},
        {"length": 1.5},
        {"length": 10**7},
        {"recent": 1.5},
        {"recent": -1},
        {"negatives": 0.5},
        {"reading": 5},
        {"training": None},
    ],
)
def test_an_impossible_config_is_refused(wrong):
    with pytest.raises(BadRequest, match=r"."):
        SequenceConfig(**wrong)


def test_an_artifact_of_another_catalogue_is_refused(tmp_path):
    fit(checkerboard()).save(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    fit(checkerboard(titles=8)).save(other)
    (tmp_path / "titles.embeddings.npy").write_bytes((other / "titles.embeddings.npy").read_bytes())
    with pytest.raises(ArtifactRefused):
        Sequence.load(tmp_path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("titles",), 10**12),
        (("features",), 10**12),
        (("titles",), True),
        (("latest",), 10**30),
        (("config", "size"), 10**9),
        (("config", "layers"), 1.5),
        (("config", "recent"), 7),
        (("config", "reading"), 5),
    ],
)
def test_numbers_that_the_arrays_do_not_have_are_refused(saved_tiny, tmp_path, place, value):
    copytree(saved_tiny, tmp_path / "changed")
    path = tmp_path / "changed" / "scorer.json"
    fields = json.loads(path.read_text())
    (fields["config"] if len(place) > 1 else fields)[place[-1]] = value
    path.write_text(json.dumps(fields))
    with pytest.raises(ArtifactRefused):
        Sequence.load(tmp_path / "changed")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("vectors", np.zeros((11, 9), np.float32)),
        ("vectors", np.zeros((12, 8), np.float32)),
        ("silent", np.array([12])),
        ("silent", np.array([-1])),
        ("silent", np.array([[1]])),
    ],
)
def test_vectors_of_other_titles_are_refused(saved_tiny, tmp_path, name, array):
    """Of 12 titles of size 8 with a bias."""
    copytree(saved_tiny, tmp_path / "changed")
    np.save(tmp_path / "changed" / f"{name}.npy", array)
    with pytest.raises(ArtifactRefused, match=r"vectors of|silent titles"):
        Sequence.load(tmp_path / "changed")


def test_what_was_loaded_goes_on_as_what_was_saved(tmp_path):
    """Though it holds no features: the encoder makes them again from the catalogue."""
    data = genre_world()
    scorer = fit(data, training=Training(epochs=2, batch=16))
    scorer.save(tmp_path)
    loaded = Sequence.load(tmp_path)
    assert not (tmp_path / "titles.features.npy").exists()
    assert_same(loaded.title_vectors, scorer.title_vectors)
    refits = [one.refit(data, np.random.default_rng(5)).title_vectors for one in (scorer, loaded)]
    assert_same(*refits)


def test_the_encoder_of_another_catalogue_is_refused(saved_tiny, tmp_path):
    copytree(saved_tiny, tmp_path / "changed")
    rmtree(tmp_path / "changed" / "encoder")
    TitleEncoder.fit(make_catalog(12, genres=[["even"], ["odd"]] * 6)).save(tmp_path / "changed")
    with pytest.raises(ArtifactRefused, match="prior and encoder know"):
        Sequence.load(tmp_path / "changed")


@pytest.fixture(scope="module")
def saved_tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sequence")
    fit(checkerboard(), training=Training(epochs=1)).save(folder)
    return folder


def test_titles_of_which_nothing_is_known_share_the_lowest_score():
    likes = [[(k + at) % 12 for at in range(6)] for k in range(60)]
    data = make_data(make_events(likes), make_catalog(15))
    scorer = fit(data)
    for known in (scorer, scorer.for_titles(make_catalog(18))):
        scores = scores_of(known, [[0, 1, 2]])[0]
        assert len(set(scores[12:])) == 1
        assert scores[12] <= scores[:12].min()
        reasons = known.explain(Requests.of_histories(Histories.of_items([[0, 1, 2]])), np.array([[12, 14]], np.int32))
        assert reasons.tolist() == [[-1, -1]]
        of_all = known.explain(
            Requests.of_histories(Histories.of_items([[0, 1, 13]])), np.arange(12, dtype=np.int32)[None]
        )
        assert set(of_all[0]) <= {-1, 0, 1}, "a title of which nothing is known explains nothing"


def test_a_bag_longer_than_its_shortest_half_life_can_count_stays_finite():
    scorer = fit(cyclic(30, length=6), body=Body.BAG, length=1_200, training=Training(epochs=1, batch=16))
    assert np.isfinite(scores_of(scorer, [[at % 12 for at in range(1_100)]])).all()


on_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@on_cuda
@pytest.mark.parametrize("body", Body)
def test_a_cuda_device_answers_as_the_processor_does(body):
    training = Training(epochs=20, batch=32, rate=3e-2)
    scorer = fit(cyclic(120, length=6), body=body, training=training)  # on the device
    network, vectors = scorer.state.network, scorer.state.vectors
    items = torch.arange(12).view(3, 4)
    history = torch.ones(3, 4, len(HISTORY), dtype=torch.long)
    expected = network.states(vectors, items, history)
    found = network.cuda().states(vectors.cuda(), items.cuda(), history.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    network.cpu()
    scores = scores_of(scorer, [[0, 1, 2]])[0]
    assert scores[3:].argmax() == 0


@on_cuda
@pytest.mark.parametrize("body", Body)
def test_a_cuda_device_learns_as_the_processor_does(monkeypatch, body):
    """Without chance in the network both take the same steps, most of the device's being replayed: rates differ, and
    the last batch of an epoch is not full.
    """
    changes = {"body": body, "dropout": 0.0, "unknown": 0.0, "id_dropout": 0.0}
    lists = [[(start + 2 * at) % 12 for at in range(3 + start % 7)] for start in range(75)]
    data = make_data(make_events(lists), make_catalog(12))
    there = fit(data, **changes, training=Training(epochs=8, batch=16, rate=1e-2))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    here = fit(data, **changes, training=Training(epochs=8, batch=16, rate=1e-2))
    requests = [[0, 2, 4], [1], [3, 5, 7, 9, 11]]
    np.testing.assert_allclose(scores_of(there, requests), scores_of(here, requests), rtol=1e-2, atol=1e-2)


@on_cuda
@pytest.mark.parametrize("loss", Loss)
@pytest.mark.parametrize("exact_up_to", [50_000, 1])
def test_a_cuda_device_gives_the_same_bytes_for_the_same_seed(loss, exact_up_to):
    data = cyclic(90, length=6)
    first, second = (
        fit(
            data,
            seed=3,
            loss=loss,
            exact_up_to=exact_up_to,
            negatives=8,
            training=Training(epochs=4, batch=16, half=True),
        )
        for _ in range(2)
    )
    assert_same(first.title_vectors, second.title_vectors)
