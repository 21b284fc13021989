"""Content and content factors: the contract, taste by content alone, and titles that came after fitting."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from matinee.decision import Context, Requests, Scorer
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.models.artifacts.artifact import load_artifact, save_artifact
from matinee.models.artifacts.widen import Growing, Widened, WidePrior
from matinee.models.cold_start import Prior
from matinee.models.content.factors import ContentFactors, ContentFactorsConfig, fit_map, foretold
from matinee.models.content.features import TitleEncoder
from matinee.models.content.taste import Content, ContentConfig, fit_taste
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.popularity import Popularity
from matinee.testing import assert_same
from matinee.testing.scorers import check_scorer, check_taste
from matinee.testing.worlds import checkerboard, make_catalog, make_data, make_events

SMALL = FactorsConfig(size=8, epochs=4)
MAKERS = [Content, lambda: ContentFactors(factors=SMALL)]
BOTH = pytest.mark.parametrize("make", MAKERS, ids=["content", "content factors"])


def coloured(n: int):
    """A catalogue in which even titles are comedies and odd ones dramas."""
    return make_catalog(n, genres=[["drama"] if i % 2 else ["comedy"] for i in range(n)])


DATA = replace(checkerboard(titles=24), catalog=coloured(24))
REQUESTS = Requests.of_histories(Histories.of_items([[], [0, 2, 4], [1], [0, 1]]), contexts=(Context(hour=3),) * 4)


@BOTH
def test_the_contract(make):
    check_scorer(make, personal=make is not Content)  # the board has no content, so content alone cannot know taste


@BOTH
def test_taste_where_content_tells_it(make):
    check_taste(make().fit(DATA, np.random.default_rng(0)), DATA)


@BOTH
def test_a_title_without_a_play_is_ranked_by_its_content(make):
    catalog = coloured(28)  # the last four were never watched
    scorer = make().fit(replace(DATA, catalog=catalog), np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[0, 2, 4]])))[0, 24:]
    assert min(scores[0::2]) > max(scores[1::2])


@BOTH
def test_titles_appended_after_fitting_are_scored_by_content(make):
    scorer = make().fit(DATA, np.random.default_rng(0))
    wide = scorer.for_titles(coloured(28))
    scores = wide.score(REQUESTS)
    assert scores.shape == (4, 28)
    assert min(scores[1, 24::2]) > max(scores[1, 25::2])
    assert min(scores[2, 25::2]) > max(scores[2, 24::2])
    assert len(set(scores[0, 24:].tolist())) == 1, "without a history nothing tells new titles apart"
    np.testing.assert_allclose(scores[:, :24], scorer.score(REQUESTS), rtol=0.05, atol=0.05)


@BOTH
def test_a_play_of_an_appended_title_counts_and_explains(make):
    wide = make().fit(DATA, np.random.default_rng(0)).for_titles(coloured(28))
    after = Requests.of_histories(Histories.of_items([[25]]))
    scores = wide.score(after)[0]
    assert scores[27] > scores[26]
    assert wide.explain(after, np.array([[27, -1]], np.int32)).tolist() == [[25, -1]]


@BOTH
def test_growing_twice_shrinking_back_and_saving(make, tmp_path):
    scorer = make().fit(DATA, np.random.default_rng(0))
    wide = scorer.for_titles(coloured(25)).for_titles(coloured(28))
    assert_same(wide.score(REQUESTS), scorer.for_titles(coloured(28)).score(REQUESTS))
    assert_same(wide.for_titles(DATA.catalog).score(REQUESTS), scorer.score(REQUESTS))
    wide.save(tmp_path)
    assert_same(type(wide).load(tmp_path).score(REQUESTS), scorer.score(REQUESTS))


@BOTH
def test_an_artifact_answers_for_a_grown_catalogue_by_content(make, tmp_path):
    scorer = make().fit(DATA, np.random.default_rng(0))
    save_artifact(tmp_path / "a", "mine", scorer, Platt(1.0, 0.0), DATA.catalog, (0, 1), {})
    found = load_artifact(tmp_path / "a", {"mine": type(scorer)}, coloured(28)).scorer
    assert isinstance(found, Growing)
    assert_same(found.score(REQUESTS), scorer.for_titles(coloured(28)).score(REQUESTS))


def test_an_artifact_without_content_is_widened_as_before(tmp_path):
    scorer: Scorer = Factors(SMALL).fit(DATA, np.random.default_rng(0))
    save_artifact(tmp_path / "a", "factors", scorer, Platt(1.0, 0.0), DATA.catalog, (0, 1), {})
    assert isinstance(load_artifact(tmp_path / "a", {"factors": Factors}, coloured(28)).scorer, Widened)


def test_the_wide_prior_gives_new_titles_the_least_share():
    prior = Prior(Popularity().fit(DATA, np.random.default_rng(0)), kappa=3.0, scale=2.0)
    scores = WidePrior.over(prior, 30).scores(REQUESTS)
    assert_same(scores[:, :24], prior.scores(REQUESTS))
    assert_same(scores[:, 24:], np.repeat(scores[:, :24].min(axis=1, keepdims=True), 6, axis=1))


@BOTH
def test_vectors_of_the_user_tell_tastes(make):
    """Titles that say nothing but what a vector says: the first number is the colour, the others are noise."""
    rng, catalog = np.random.default_rng(1), make_catalog(24)
    vectors = rng.normal(0, 0.1, (24, 6)).astype(np.float32)
    vectors[:, 0] = np.where(np.arange(24) % 2, 1, -1)
    vectors[20:] *= 5  # their length must not matter
    scorer, catalog = make(), catalog.with_vectors({"images": vectors})
    data = make_data(make_events([[k % 2 + 2 * j for j in range(8)] for k in range(30)]), catalog)
    scores = scorer.fit(data, np.random.default_rng(0)).score(Requests.of_histories(Histories.of_items([[0, 2]])))[0]
    assert min(scores[[20, 22]]) > max(scores[[21, 23]])
    grown = scorer.for_titles(make_catalog(26).with_vectors({"images": np.vstack([vectors, vectors[:2]])}))
    assert np.diff(grown.score(Requests.of_histories(Histories.of_items([[0, 2]])))[0, 24:])[0] < 0


def test_the_answer_is_the_formula():
    """score = prior + p·W f with W from the normal equations, in double precision and in one piece."""
    config = ContentConfig(taste_l2=0.3, title_l2=0.7, half_life=2.0)
    scorer = Content(config).fit(DATA, np.random.default_rng(0))
    features = TitleEncoder.fit(DATA.catalog).encode(DATA.catalog).astype(float)
    ones = np.hstack([features, np.ones((24, 1))])
    liked = DATA.matrix @ ones
    gram, shown = liked.T @ liked, ones.T @ ones
    width = len(gram)
    ridge = np.diag([1.0] * (width - 1) + [1e-9])
    a, b = 0.3 * np.trace(gram) / width * ridge, 0.7 * np.trace(shown) / width * ridge
    taste = np.linalg.inv(gram + a) @ gram @ np.linalg.inv(shown + b)
    np.testing.assert_allclose(fit_taste(DATA.matrix, features.astype(np.float32), config), taste[:, :-1], atol=1e-5)
    history = [0, 2, 5]
    profile = (0.5 ** np.array([1.0, 0.5, 0.0])) @ ones[history]
    requests = Requests.of_histories(Histories.of_items([history]))
    part = scorer.score(requests) - scorer._state().prior.scores(requests)
    np.testing.assert_allclose(part[0], profile @ taste[:, :-1] @ features.T, atol=1e-4)


def test_the_reason_is_the_largest_term():
    scorer = Content().fit(DATA, np.random.default_rng(0))
    history, items = [1, 0, 3, 2], np.array([[10, 11, 20]], np.int32)
    state = scorer._state()
    told = state.features[history] @ state.taste[:-1] + state.taste[-1]
    terms = state.features[items[0]] @ told.T
    expected = [history[k] if terms[i, k] > 0 else -1 for i, k in enumerate(terms.argmax(axis=1))]
    assert scorer.explain(Requests.of_histories(Histories.of_items([history])), items).tolist() == [expected]


def test_few_likes_are_drawn_to_content_and_many_are_not():
    """h_i = n/(n+s) own + s/(n+s) predicted: checked against the parts, fitted by hand."""
    strength = 6.0
    scorer = ContentFactors(ContentFactorsConfig(strength), SMALL).fit(DATA, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    own = Factors(SMALL).fit(DATA, rng).state()[0].factors
    features = TitleEncoder.fit(DATA.catalog).encode(DATA.catalog)
    likes = np.asarray(DATA.matrix.sum(axis=0)).ravel()
    said = foretold(features, fit_map(features, own, likes, rng))
    weight = (likes / (likes + strength))[:, None]
    found = scorer._state().base.state()[0].factors
    np.testing.assert_allclose(found, weight * own + (1 - weight) * said, rtol=1e-4, atol=1e-6)


def test_the_map_finds_factors_that_follow_from_features():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 6)).astype(np.float32)
    factors = (features @ rng.normal(size=(6, 4)) + 1).astype(np.float32)
    likes = np.ones(300)
    likes[200:] = 0
    factors[200:] = 99  # titles without likes must take no part
    truth = factors[:200]
    found = foretold(features, fit_map(features, factors, likes, rng))
    np.testing.assert_allclose(found[:200], truth, atol=0.01)
    assert np.abs(found[200:]).max() < 20


def test_refit_goes_on_and_takes_in_titles_added_since():
    scorer = ContentFactors(factors=SMALL).fit(DATA, np.random.default_rng(0))
    grown = replace(DATA, catalog=coloured(28))
    again = scorer.refit(grown, np.random.default_rng(1))
    scores = again.score(REQUESTS)
    assert scores.shape == (4, 28)
    assert min(scores[1, 24::2]) > max(scores[1, 25::2])


def test_refit_asks_for_the_vectors_that_were_learned_from(tmp_path):
    """Going on without them would forget what they say."""
    vectors = {"images": np.random.default_rng(1).normal(size=(24, 6)).astype(np.float32)}
    data = replace(DATA, catalog=DATA.catalog.with_vectors(vectors))
    scorer = ContentFactors(factors=SMALL).fit(data, np.random.default_rng(0))
    scorer.save(tmp_path)
    loaded = ContentFactors.load(tmp_path)
    for told in (DATA.catalog, DATA.catalog.with_vectors({"sound": vectors["images"]})):
        with pytest.raises(BadRequest, match=r"vectors.*images.*lacks"):
            loaded.refit(replace(DATA, catalog=told), np.random.default_rng(1))
    with pytest.raises(BadRequest, match="images"):
        loaded.for_titles(coloured(28)).refit(replace(DATA, catalog=coloured(28)), np.random.default_rng(1))
    again = loaded.refit(data, np.random.default_rng(1))
    assert list(again._state().encoder.projections) == ["images"]
    assert_same(again.score(REQUESTS), scorer.refit(data, np.random.default_rng(1)).score(REQUESTS))
    longer = coloured(28).with_vectors({"images": np.vstack([vectors["images"], vectors["images"][:4]])})
    grown = loaded.for_titles(longer).refit(replace(DATA, catalog=longer), np.random.default_rng(1))
    assert list(grown._state().encoder.projections) == ["images"]


def test_titles_without_a_year_are_scored():
    titles = coloured(24).titles.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("released"))
    data = replace(DATA, catalog=replace(DATA.catalog, titles=titles))
    for make in MAKERS:
        assert np.isfinite(make().fit(data, np.random.default_rng(0)).score(REQUESTS)).all()


@pytest.mark.parametrize("bad", [{"taste_l2": 0}, {"title_l2": -1.0}, {"half_life": 0.0}, {"kappa": 0}])
def test_settings_without_sense_are_refused(bad):
    with pytest.raises(BadRequest, match=next(iter(bad))):
        ContentConfig(**bad)
    with pytest.raises(BadRequest, match="strength"):
        ContentFactorsConfig(strength=0)


@BOTH
def test_a_folder_that_does_not_fit_together_is_refused(make, tmp_path):
    scorer = make().fit(DATA, np.random.default_rng(0))
    scorer.save(tmp_path)
    words = tmp_path / "encoder" / "scorer.json"
    kept = json.loads(words.read_text())
    kept["words"]["genres"] = kept["words"]["genres"][:1]
    words.write_text(json.dumps(kept))
    with pytest.raises(ArtifactRefused, match="genres"):
        type(scorer).load(tmp_path)
