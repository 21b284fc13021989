"""Texts as vectors from word embeddings in files on this machine: nothing is fetched, no graphics card needed."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from scipy import sparse

from matinee.catalog import Catalog
from matinee.errors import BadData
from matinee.extras import needing
from matinee.maths.arrays import Floats
from matinee.maths.ragged import offsets_of
from matinee.models.content.features import WORD

CHUNK = 16_384  # texts cut into tokens at a time
HEADER_LIMIT = 100_000_000  # bytes; the format's own limit
NUMBERS = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}

Tokenise = Callable[[list[str]], list[list[int]]]


@dataclass(frozen=True)
class WordEmbedding:
    """`vectors` (tokens, dimensions) and how texts become lists of token numbers."""

    vectors: Floats
    tokenise: Tokenise

    @classmethod
    def from_safetensors(cls, weights: Path, tokenizer: Path) -> Self:
        """Read static embeddings such as wordllama's or model2vec's: one matrix, and a `tokenizer.json`.

        Needs the extra `text` (the package tokenizers). Raises `MissingExtra` without it, `BadData` when a file is not
        what it should be.
        """
        with needing("text"):
            from tokenizers import Tokenizer
        vectors = _only_matrix(weights)
        try:
            cut = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the package raises nothing narrower
            raise BadData(f"{tokenizer} is not a tokenizer: {error}; give the tokenizer.json of {weights}") from error
        if cut.get_vocab_size() > len(vectors):
            raise BadData(
                f"{tokenizer} knows {cut.get_vocab_size():,} tokens and {weights} holds {len(vectors):,} vectors; "
                "give two files that belong together"
            )
        return cls(vectors, lambda texts: [one.ids for one in cut.encode_batch(texts, add_special_tokens=False)])

    @classmethod
    def from_text(cls, path: Path) -> Self:
        """Read lines of a word and its numbers, as GloVe and fastText (`.vec`) write them; needs no extra.

        A first line of two numbers is passed over. Memory: 4 bytes a number, and the words. Raises `BadData` when lines
        differ in length or hold no numbers.
        """
        try:
            words, vectors = _lines_of(path)
        except ValueError as error:
            raise BadData(f"{path} is not lines of a word and numbers: {error}; give GloVe or .vec text") from error
        if not vectors.size or not np.isfinite(vectors).all():
            raise BadData(f"{path} holds numbers of the shape {vectors.shape}; give a word and finite numbers a line")
        number = {word: at for at, word in enumerate(words)}
        return cls(vectors, lambda texts: _known_words(texts, number))

    def embed(self, texts: Sequence[str | None]) -> Floats:
        """(texts, dimensions) the mean of each text's token vectors; zeros for a text without any."""
        blocks = [self._means([t or "" for t in texts[at : at + CHUNK]]) for at in range(0, len(texts), CHUNK)]
        return np.concatenate([np.empty((0, self.vectors.shape[1]), np.float32), *blocks])

    def embed_titles(self, catalog: Catalog) -> Floats:
        """(titles, dimensions) of each title's name and text, ready for `Catalog.with_vectors`."""
        both = pl.concat_str("title", "text", separator=". ", ignore_nulls=True)
        return self.embed(catalog.titles.select(both).to_series().to_list())

    def _means(self, texts: list[str]) -> Floats:
        tokens = self.tokenise(texts)
        offsets = offsets_of([len(one) for one in tokens])
        flat = np.fromiter((token for one in tokens for token in one), np.int64, int(offsets[-1]))
        shares = np.repeat(1.0 / np.maximum(1, np.diff(offsets)), np.diff(offsets))
        means = sparse.csr_matrix((shares, flat, offsets), (len(texts), len(self.vectors))) @ self.vectors
        return np.asarray(means, np.float32)


def _lines_of(path: Path) -> tuple[list[str], Floats]:
    """The words and their numbers (words, dimensions); memory: the result, and one line."""
    words, numbers, width = list[str](), array("f"), 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        for at, line in enumerate(lines):
            word, *parts = line.rstrip().split(" ")
            if at == 0 and len(parts) == 1:
                continue
            width = width or len(parts)
            if len(parts) != width:
                raise ValueError(f"line {at + 1} has {len(parts)} numbers, those before it {width}")
            words.append(word)
            numbers.extend(map(float, parts))
    return words, np.frombuffer(numbers, np.float32).reshape(len(words), width)


def _known_words(texts: list[str], number: dict[str, int]) -> list[list[int]]:
    """The numbers of the words that are known, read as `content` reads them."""
    words = pl.Series(texts, dtype=pl.String).str.to_lowercase().str.extract_all(WORD).to_list()
    return [[number[word] for word in one if word in number] for one in words]


def _only_matrix(path: Path) -> Floats:
    """The one matrix of a safetensors file: 8 bytes of header length, a JSON header, the numbers."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                raise ValueError(f"a header of {length:,} bytes")
            header = json.loads(file.read(length))
            matrices = [one for name, one in header.items() if name != "__metadata__" and len(one["shape"]) == 2]
            (matrix,) = matrices
            start, end = matrix["data_offsets"]
            file.seek(8 + length + start)
            numbers = np.frombuffer(file.read(end - start), NUMBERS[matrix["dtype"]]).reshape(matrix["shape"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(
            f"{path} is not a safetensors file with one matrix of {sorted(NUMBERS)}: {error!r}; "
            "give the embedding's own file"
        ) from error
    if not np.isfinite(numbers).all():
        raise BadData(f"{path} holds numbers that are not finite; fetch the file again")
    return numbers.astype(np.float32)
