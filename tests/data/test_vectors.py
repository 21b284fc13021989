"""Vectors of titles from a file: what is joined, what is counted, what is refused."""

import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from matinee.data.sources.vectors import read_vectors
from matinee.errors import BadData
from matinee.models.content.features import title_features
from matinee.testing.worlds import make_catalog

CATALOG = make_catalog(4)


def write(path: Path, **columns) -> Path:
    pl.DataFrame(columns).write_parquet(path / "v.parquet")
    return path / "v.parquet"


def test_vectors_are_joined_by_id_and_what_is_missing_or_unknown_is_counted(tmp_path):
    path = write(
        tmp_path, item_id=["t2", "nobody", "t0", "t1"], image=[[1, 2], [3, 4], [5, 6], None], other=[1, 2, 3, 4]
    )
    found = read_vectors(path, CATALOG)
    np.testing.assert_array_equal(found.arrays["image"], [[5, 6], [0, 0], [1, 2], [0, 0]])
    assert found.arrays["image"].dtype == np.float32
    assert found.unknown == 1
    assert found.missing == {"image": 2}
    assert title_features(CATALOG.with_vectors(found.arrays)).shape[0] == 4


def test_arrays_of_fixed_length_and_numbers_as_ids_are_read(tmp_path):
    catalog = CATALOG.append(pl.DataFrame({"item_id": ["7"]}))
    frame = pl.DataFrame(
        {"item_id": [7], "sound": [[1.0, 2.0, 3.0]]}, schema_overrides={"sound": pl.Array(pl.Float32, 3)}
    )
    frame.write_parquet(tmp_path / "v.parquet")
    np.testing.assert_array_equal(read_vectors(tmp_path / "v.parquet", catalog).arrays["sound"][4], [1, 2, 3])


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"item_id": ["t0", "t1"], "v": [[1.0], [1.0, 2.0]]}, r"1 vectors.*not 1 dimensions.*'t1'"),
        ({"item_id": ["t0", "t1"], "v": [[1.0], [float("nan")]]}, r"NaN.*'t1'"),
        ({"item_id": ["t0", "t1"], "v": [[1.0], [1e300]]}, r"too large.*'t1'"),
        ({"item_id": ["t0", "t1"], "v": [[1.0, 2.0], [None, 1.0]]}, r"null.*'t1'"),
        ({"item_id": ["t0", "t0"], "v": [[1.0], [2.0]]}, r"repeats item_id 't0'"),
        ({"item_id": [["t0"]], "v": [[1.0]]}, r"item_id of type List.*give text"),
        ({"item_id": [b"\xff"], "v": [[1.0]]}, r"item_id of type Binary.*give text"),
        ({"item_id": ["t0"], "v": [1.0]}, r"lists of numbers"),
        ({"id": ["t0"], "v": [[1.0]]}, r"give 'item_id'"),
        ({"item_id": ["t0"], "v": pl.Series([None], dtype=pl.List(pl.Float32))}, r"no vector"),
        ({"item_id": ["t0"], "v": pl.Series([[]], dtype=pl.List(pl.Float32))}, r"no vector"),
    ],
)
def test_bad_vectors_are_refused(tmp_path, columns, says):
    with pytest.raises(BadData, match=says):
        read_vectors(write(tmp_path, **columns), CATALOG)


def test_what_is_not_parquet_is_refused(tmp_path):
    (tmp_path / "v.parquet").write_text("no")
    for path in (tmp_path / "v.parquet", tmp_path / "absent.parquet"):
        with pytest.raises(BadData, match="Parquet"):
            read_vectors(path, CATALOG)


def test_the_example_runs(capsys):
    example = Path(__file__).parents[2] / "examples" / "title_vectors.py"
    runpy.run_path(str(example), run_name="__main__")
    said = capsys.readouterr().out
    assert "1 unknown title, 1 title without a poster" in said
    assert "the best is t6" in said
    assert "examples/title_vectors.py" in example.read_text().split('"""')[1]
