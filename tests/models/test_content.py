"""Titles as features: what is missing is zeros, later titles get the same columns, no block drowns another."""

import json
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matinee.catalog import Catalog
from matinee.errors import ArtifactRefused, BadRequest
from matinee.models.content import features as content
from matinee.models.content.features import WIDEST, FeaturesConfig, TitleEncoder, title_features
from matinee.testing import assert_same
from matinee.testing.worlds import make_catalog

RNG = np.random.default_rng(0)
N = 240
COLUMNS = {
    "genres": [["drama", "crime"] if i % 2 else ["comedy"] for i in range(N)],
    "kind": ["series" if i % 3 else "movie" for i in range(N)],
    "languages": [["da"] if i % 4 else ["en", "da"] for i in range(N)],
    "people": [[f"p{k}" for k in RNG.integers(150, size=5)] for _ in range(N)],
    "tags": [[f"tag {k}" for k in RNG.integers(90, size=3)] for _ in range(N)],
    "text": [" ".join(f"word{k}" for k in RNG.integers(200, size=12)) for _ in range(N)],
    "released": [datetime(1900 + i % 140, 6, 1, tzinfo=UTC) for i in range(N)],
}
CATALOG = make_catalog(N, **COLUMNS)


def blocks(encoder: TitleEncoder, features: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of each block by name."""
    widths = {name: bag.basis.shape[1] for name, bag in encoder.bags.items()} | {"years": len(content.YEARS)}
    widths |= {name: one.basis.shape[1] for name, one in encoder.projections.items()}
    ends = np.cumsum(list(widths.values()))[:-1]
    return dict(zip(widths, np.split(features, ends, axis=1), strict=True))


def test_every_block_has_a_mean_squared_length_of_one():
    vectors = {"images": RNG.normal(3, 1, (N, 40)).astype(np.float32), "sound": RNG.normal(size=(N, 300))}
    vectors["images"][7] = 0
    seen = CATALOG.with_vectors(vectors)
    encoder = TitleEncoder.fit(seen)
    features = encoder.encode(seen)
    assert features.shape == (N, encoder.width)
    assert encoder.width <= WIDEST == 512
    found = blocks(encoder, features)
    assert set(found) == {"genres", "kind", "languages", "people", "tags", "text", "years", "images", "sound"}
    for name, block in found.items():
        energy = (block.astype(float) ** 2).sum(axis=1)
        assert energy[energy > 0].mean() == pytest.approx(1, rel=1e-3), name
    assert not found["images"][7].any(), "an unknown vector must be zeros, not minus the mean"


def test_same_catalogue_same_bytes():
    assert_same(title_features(CATALOG), title_features(CATALOG))


def test_what_is_missing_is_zeros():
    empty = make_catalog(5, title=[None] * 5)
    features = TitleEncoder.fit(CATALOG).encode(empty)
    assert not features.any()
    assert features.dtype == np.float32


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_tiny_catalogues(n):
    features = title_features(make_catalog(n, genres=[["drama"]] * n))
    assert len(features) == n
    assert np.isfinite(features).all()


def test_years_are_shares_of_two_knots():
    knots = content.YEARS
    years = [int(knots[3]), int(knots[3]) + 4, 1800, 2200]
    released = pl.Series([datetime(year, 1, 1, tzinfo=UTC) for year in years] + [None])
    rows = content._years(make_catalog(5, released=released).titles)
    np.testing.assert_allclose(rows[0, 3], 1, atol=1e-3)
    np.testing.assert_allclose(rows[1, [3, 4]], [1 / np.sqrt(2)] * 2, atol=1e-2)
    assert rows[2, 0] == rows[3, -1] == 1
    assert not rows[4].any()


def test_later_titles_have_the_same_columns_and_known_ones_stay():
    encoder = TitleEncoder.fit(CATALOG)
    twin = CATALOG.titles[5:6].with_columns(pl.lit("new").alias("item_id"))
    grown = CATALOG.append(twin)
    features = encoder.encode(grown)
    assert_same(features[:N], encoder.encode(CATALOG))
    assert_same(features[N], features[5])
    assert_same(encoder.encode(grown, first=N), features[N:])


def test_chunks_do_not_show(monkeypatch):
    whole = title_features(CATALOG)
    monkeypatch.setattr(content, "CHUNK", 17)
    np.testing.assert_allclose(title_features(CATALOG), whole, atol=1e-6)


def test_a_sample_bounds_what_is_learned_from():
    encoder = TitleEncoder.fit(CATALOG, config=FeaturesConfig(words=10, sample=50))
    assert all(len(bag.words) <= 10 for bag in encoder.bags.values())
    assert np.isfinite(encoder.encode(CATALOG)).all()


def test_titles_that_share_rare_people_are_neighbours():
    people = [[f"p{i // 2}"] for i in range(40)]  # pairs
    features = title_features(make_catalog(40, people=people, title=[""] * 40))
    nearest = (features @ features.T - 9 * np.eye(40)).argmax(axis=1)
    assert nearest.tolist() == [i ^ 1 for i in range(40)]


def test_saved_and_loaded(tmp_path):
    seen = CATALOG.with_vectors({"images": RNG.normal(size=(N, 8))})
    encoder = TitleEncoder.fit(seen, FeaturesConfig(words=50))
    encoder.save(tmp_path)
    loaded = TitleEncoder.load(tmp_path)
    assert loaded.config == encoder.config
    assert_same(loaded.encode(seen), encoder.encode(seen))
    np.save(tmp_path / "encoder" / "vectors0_mean.npy", np.zeros(5, np.float32))
    with pytest.raises(ArtifactRefused, match="images"):
        TitleEncoder.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "shape"), [("tags_idf", ()), ("tags_idf", (2, 1)), ("tags_basis", (0,)), ("tags_basis", (2, 2, 1))]
)
def test_arrays_of_words_that_do_not_fit_are_refused(tmp_path, name, shape):
    TitleEncoder.fit(CATALOG).save(tmp_path)
    path = tmp_path / "encoder" / f"{name}.npy"
    np.save(path, np.zeros(shape, np.load(path).dtype))
    with pytest.raises(ArtifactRefused, match="tags"):
        TitleEncoder.load(tmp_path)


def test_words_that_are_not_text_are_refused(tmp_path):
    TitleEncoder.fit(CATALOG).save(tmp_path)
    path = tmp_path / "encoder" / "scorer.json"
    fields = json.loads(path.read_text())
    fields["words"]["genres"][0] = 5
    path.write_text(json.dumps(fields))
    with pytest.raises(ArtifactRefused, match="genres"):
        TitleEncoder.load(tmp_path)


def test_too_many_kinds_of_vectors_are_refused():
    with pytest.raises(BadRequest, match="113 kinds"):
        title_features(CATALOG.with_vectors({f"v{k}": np.ones((N, 1), np.float32) for k in range(113)}))


def test_encoding_with_other_dimensions_is_refused():
    encoder = TitleEncoder.fit(CATALOG.with_vectors({"images": np.ones((N, 4), np.float32)}))
    with pytest.raises(BadRequest, match=r"5 dimensions.* 4; fit it anew"):
        encoder.encode(CATALOG.with_vectors({"images": np.ones((N, 5), np.float32)}))


NAMES = st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "", "ümlaut", "x" * 300])), max_size=4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(NAMES, st.one_of(st.none(), st.text(max_size=30)), NAMES), max_size=12))
def test_whatever_the_catalogue_says_features_are_finite_and_bounded(rows):
    frame = pl.DataFrame(
        {
            "item_id": [str(i) for i in range(len(rows))],
            "genres": [row[0] for row in rows],
            "text": [row[1] for row in rows],
            "people": [row[2] for row in rows],
        },
        schema_overrides={
            "item_id": pl.String, "text": pl.String, "genres": pl.List(pl.String), "people": pl.List(pl.String),
        },
    )  # fmt: skip
    features = title_features(Catalog.from_frame(frame))
    assert features.shape[0] == len(rows)
    assert features.shape[1] <= WIDEST
    assert np.isfinite(features).all()
