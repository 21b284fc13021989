"""Words from files: embeddings in both forms, and what is refused."""

import json
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from matinee.errors import BadData, MissingExtra
from matinee.models.content.words import WordEmbedding
from matinee.testing.worlds import make_catalog

CATALOG = make_catalog(4, text=["a fast red car", None, "Car chase", ""])


def test_words_and_numbers_as_text(tmp_path):
    path = tmp_path / "words.vec"
    path.write_text("3 2\nred 1 0\ncar 0 1\nfast 1 1\n")
    words = WordEmbedding.from_text(path)
    np.testing.assert_allclose(words.embed(["Red CAR!", "blue", None, ""]), [[0.5, 0.5], [0, 0], [0, 0], [0, 0]])
    np.testing.assert_allclose(words.embed_titles(CATALOG)[0], np.mean([[1, 1], [1, 0], [0, 1]], axis=0), rtol=1e-6)
    assert words.embed([]).shape == (0, 2)


@pytest.mark.parametrize(
    "text", ["", "red 1 0\ncar 1\n", "red one two\n", "red nan 1\n", "red 1e300 1\n", "red\ncar\n"]
)
def test_other_text_is_refused(tmp_path, text):
    path = tmp_path / "words.txt"
    path.write_text(text)
    with pytest.raises(BadData, match=r"words\.txt"):
        WordEmbedding.from_text(path)


def test_reading_words_needs_little_more_than_their_numbers(tmp_path):
    """300 numbers of 4 bytes a word, and at most as much again for the word, its place and the check of the numbers."""
    path, n, width = tmp_path / "words.vec", 2_000, 300
    numbers = np.random.default_rng(0).normal(size=(n, width)).astype(np.float32).round(4)
    lines = (f"word{at} " + " ".join(f"{x:.4f}" for x in row) for at, row in enumerate(numbers.tolist()))
    path.write_text(f"{n} {width}\n" + "\n".join(lines) + "\n")
    tracemalloc.start()
    words = WordEmbedding.from_text(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2 * 4 * width * n
    np.testing.assert_allclose(words.vectors, numbers, rtol=1e-6)
    np.testing.assert_allclose(words.embed(["word1999"])[0], numbers[1999], rtol=1e-6)


def safetensors(path: Path, array: np.ndarray, kind: str = "F16") -> Path:
    header = json.dumps(
        {
            "__metadata__": {},
            "embedding.weight": {"dtype": kind, "shape": array.shape, "data_offsets": [0, array.nbytes]},
        }
    ).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + array.tobytes())
    return path


def tokenizer(path: Path) -> Path:
    """A tokenizer of three words, written by the package that reads it."""
    tokenizers = pytest.importorskip("tokenizers")
    cut = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "red": 1, "car": 2}, unk_token="[UNK]"))
    cut.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    cut.save(str(path))
    return path


def test_a_matrix_and_its_tokenizer(tmp_path):
    array = np.array([[9, 9], [1, 0], [0, 3]], np.float16)
    weights, cutter = safetensors(tmp_path / "w.safetensors", array), tokenizer(tmp_path / "tokenizer.json")
    words = WordEmbedding.from_safetensors(weights, cutter)
    np.testing.assert_allclose(words.embed(["red car", "red red car", ""]), [[0.5, 1.5], [2 / 3, 1], [0, 0]], rtol=1e-6)


def test_files_that_are_not_what_they_should_be_are_refused(tmp_path):
    cutter = tokenizer(tmp_path / "tokenizer.json")
    good = safetensors(tmp_path / "w.safetensors", np.ones((3, 2), np.float16))
    with pytest.raises(BadData, match="not a tokenizer"):
        WordEmbedding.from_safetensors(good, good)
    with pytest.raises(BadData, match="belong together"):
        WordEmbedding.from_safetensors(safetensors(tmp_path / "few.safetensors", np.ones((2, 2), np.float16)), cutter)
    nan = safetensors(tmp_path / "nan.safetensors", np.full((3, 2), np.nan, np.float32), "F32")
    with pytest.raises(BadData, match="not finite"):
        WordEmbedding.from_safetensors(nan, cutter)
    for raw in (b"", b"\xff" * 40, good.read_bytes()[:-3], struct.pack("<Q", 2) + b"[]"):
        (tmp_path / "bad.safetensors").write_bytes(raw)
        with pytest.raises(BadData, match="safetensors"):
            WordEmbedding.from_safetensors(tmp_path / "bad.safetensors", cutter)


def test_without_the_extra_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtra, match=r"matinee\[text\]"):
        WordEmbedding.from_safetensors(tmp_path / "w", tmp_path / "t")
