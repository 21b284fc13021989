"""Match networks and titles that came after fitting: known by content, or last where nothing is known."""

import numpy as np
import pytest

from matinee.decision import Requests
from matinee.errors import ArtifactRefused
from matinee.history import Histories
from matinee.models.artifacts.widen import Growing, Widened
from matinee.models.deep.fitting import Training
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.models.feed_forward import FeedForward, FeedForwardConfig
from matinee.models.two_tower import TwoTower, TwoTowerConfig
from matinee.testing import assert_same, make_catalog, make_data, make_events

pytestmark = pytest.mark.usefixtures("one_thread")

TRAINING = Training(epochs=30, batch=64, rate=2e-2)
MAKERS = [
    lambda **s: FactorizationMachine(FactorizationMachineConfig(size=8, training=TRAINING, **s)),
    lambda **s: TwoTower(TwoTowerConfig(size=8, hidden=16, training=TRAINING, **s)),
    lambda **s: FeedForward(FeedForwardConfig(size=8, hidden=16, training=TRAINING, **s)),
]
NAMES = ["machine", "towers", "feed-forward"]
GENRES = [["drama"]] * 12 + [["comedy"]] * 12
LISTS = [[], [0, 1, 2], [12, 13, 14]]


def genre_world():
    """Two genres, nobody likes both; of each the last three titles were never played."""
    rng = np.random.default_rng(1)
    likes = [(rng.permutation(9)[:6] + 12 * (k % 2)).tolist() for k in range(80)]
    return make_data(make_events(likes), make_catalog(24, genres=GENRES))


def grown(*genres):
    """The catalogue of `genre_world` with one more title of each of these genres; None is a title without any."""
    return make_catalog(24 + len(genres), genres=[*GENRES, *([genre] if genre else [] for genre in genres)])


def scores_of(scorer, lists):
    return scorer.score(Requests.of_histories(Histories.of_items(lists)))


def part_of(scorer, lists):
    """What the network says, without the prior."""
    return scores_of(scorer, lists) - scorer._fitted.prior.scores(Requests.of_histories(Histories.of_items(lists)))


@pytest.fixture(scope="module", params=MAKERS, ids=NAMES)
def scorer(request):
    return request.param(id_dropout=0.3).fit(genre_world(), np.random.default_rng(0))


def test_appended_titles_speak_and_are_scored_by_content(scorer, tmp_path):
    assert isinstance(scorer, Growing)
    wide = scorer.for_titles(grown("comedy", "drama"))
    nobody, drama, comedy = scores_of(wide, LISTS)
    assert drama[25] > drama[24]
    assert comedy[24] > comedy[25]
    assert nobody[24] == nobody[25] == nobody[:24].min(), "without a history nothing tells new titles apart"
    np.testing.assert_allclose(drama[:24], scores_of(scorer, LISTS)[1], rtol=1e-4, atol=1e-5)
    after = scores_of(wide, [[24]])[0]
    assert after[21:24].min() > after[9:12].max(), "a like of a new comedy speaks for comedies"
    reasons = wide.explain(Requests.of_histories(Histories.of_items([[24]])), np.array([[21, -1]], np.int32))
    assert reasons.tolist() == [[24, -1]]
    again = scorer.for_titles(grown("comedy")).for_titles(grown("comedy", "drama"))
    assert_same(scores_of(again, LISTS), scores_of(wide, LISTS))
    wide.save(tmp_path)
    loaded = type(scorer).load(tmp_path)
    assert_same(scores_of(loaded, LISTS), scores_of(scorer, LISTS))
    assert_same(scores_of(loaded.for_titles(grown("comedy", "drama")), LISTS), scores_of(wide, LISTS))


def test_an_appended_title_has_the_vectors_of_an_unplayed_one_with_the_same_content(scorer):
    wide = scorer.for_titles(grown("comedy", "drama"))
    for table in (wide._fitted.liked, wide._fitted.vectors):
        np.testing.assert_allclose(table[[24, 25]], table[[23, 11]], rtol=1e-5, atol=1e-6)


def test_an_appended_title_without_any_feature_shares_the_lowest_score_and_says_nothing(scorer):
    wide, lists = scorer.for_titles(grown(None, "drama", "western")), [*LISTS, [24], [0, 24], [26, 0]]
    scores = scores_of(wide, lists)
    told = np.delete(scores, [24, 26], axis=1).min(axis=1)
    assert_same(scores[:, [24, 26]], np.column_stack([told, told]))
    parts = part_of(wide, [*lists, [0]])[:, :24]
    assert (parts[3] == 0).all()
    np.testing.assert_allclose(parts[4:6], parts[[6, 6]], rtol=1e-5, atol=1e-6)
    asked = Requests.of_histories(Histories.of_items([[0, 24]]))
    assert wide.explain(asked, np.array([[24, 26]], np.int32)).tolist() == [[-1, -1]]


def test_where_no_title_came_nothing_is_copied(scorer):
    catalog = grown()
    assert scorer.for_titles(catalog) is scorer
    again = scorer.for_titles(grown("comedy")).for_titles(catalog)
    assert_same(scores_of(again, LISTS), scores_of(scorer, LISTS))


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_without_content_appended_titles_are_widened(make):
    """Their scores, and what they say in a history, are those of `Widened`: the lowest, and nothing."""
    scorer = make(content=False).fit(genre_world(), np.random.default_rng(0))
    wide, lists = scorer.for_titles(grown("comedy", "drama")), [*LISTS, [24], [0, 24, 3]]
    np.testing.assert_allclose(scores_of(wide, lists), scores_of(Widened(scorer, 26), lists), rtol=1e-4, atol=1e-5)
    scores = scores_of(wide, lists)
    assert_same(scores[:, 24:], np.repeat(scores[:, :24].min(axis=1, keepdims=True), 2, axis=1))


@pytest.mark.parametrize("make", MAKERS, ids=NAMES)
def test_titles_of_which_nothing_is_known_at_the_fit_share_the_lowest_score_and_say_nothing(make, tmp_path):
    """Titles 9 to 11 and 21 to 23 have no like, and without content nothing else tells of them."""
    scorer, unheard = make(content=False).fit(genre_world(), np.random.default_rng(0)), [9, 10, 11, 21, 22, 23]
    scorer.save(tmp_path)
    loaded, lists = type(scorer).load(tmp_path), [*LISTS, [22], [0, 22, 1]]
    for known in (scorer, loaded, scorer.for_titles(grown("comedy", "drama"))):
        scores = scores_of(known, lists)
        last = np.delete(scores, unheard, axis=1).min(axis=1)
        assert_same(scores[:, unheard], np.repeat(last[:, None], len(unheard), axis=1))
        parts = part_of(known, [[22], [0, 22, 1], [0, 1]])
        heard = np.delete(np.arange(24), unheard)
        assert (parts[0, heard] == 0).all()
        np.testing.assert_allclose(parts[1, heard], parts[2, heard], rtol=1e-4, atol=1e-5)
        order, nobody = scores_of(known, [[22], []])[:, heard]
        assert np.argsort(-order, kind="stable").tolist() == np.argsort(-nobody, kind="stable").tolist()
    asked = Requests.of_histories(Histories.of_items([[0, 22]]))
    assert scorer.explain(asked, np.array([[9, 22]], np.int32)).tolist() == [[-1, -1]]


def test_places_of_unknown_titles_outside_the_catalogue_are_refused(tmp_path):
    scorer = MAKERS[0](content=False).fit(genre_world(), np.random.default_rng(0))
    scorer.save(tmp_path)
    np.save(tmp_path / "silent.npy", np.array([24]))
    with pytest.raises(ArtifactRefused, match="24"):
        type(scorer).load(tmp_path)
