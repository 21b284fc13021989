"""A small safe language over what is told of titles: `genre = "Drama" and year >= 1990 and not person = "..."`.

    either  = both {"or" both}
    both    = part {"and" part}
    part    = "not" part | "(" either ")" | field sign value | field ["not"] "in" "(" value {"," value} ")"
    field   = genre tag person language country kind id, which are texts; year maturity minutes added, which are numbers
    sign    = "=" | "!=", and "<" "<=" ">" ">=" of numbers

Nothing of it is ever run: a text becomes a tree of comparisons, or is refused with the place, the value seen and the
remedy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from matinee.errors import BadRequest

TEXTS = ("genre", "tag", "person", "language", "country", "kind", "id")
NUMBERS = ("year", "maturity", "minutes", "added")
ORDERS = ("<", "<=", ">", ">=")
LONGEST = 20_000  # characters
DEEPEST = 20  # brackets and "not" within each other
REMEMBERED = 1_024  # trees of the texts that were read last
KINDS = {"TEXT": "a text in quotes", "NUMBER": "a number", "WORD": "a field", "END": "an end, `and` or `or`"}
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>-?[0-9]+(?:\.[0-9]+)?)"""
    r"""|(?P<sign><=|>=|!=|[=<>(),])|(?P<word>[A-Za-z_]+))""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Compared:
    """A field against values: "=" holds for one that is any of them, an order for one that is so to the only one."""

    field: str
    sign: str
    values: tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """All of the parts, or at least one."""

    every: bool
    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """What does not pass the part."""

    part: Tree


Tree: TypeAlias = Compared | Joined | Negated


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


@lru_cache(REMEMBERED)
def parsed(text: str) -> Tree:
    """The tree of an expression. Raises `BadRequest` with the place where it is none."""
    if len(text) > LONGEST:
        raise BadRequest(f"the expression has {len(text):,} characters; give at most {LONGEST:,}")
    reader = _Reader(text)
    tree = reader.either(DEEPEST)
    reader.require("END")
    return tree


def is_timed(tree: Tree) -> bool:
    """Whether what passes changes from day to day."""
    match tree:
        case Joined(_, parts):
            return any(map(is_timed, parts))
        case Negated(part):
            return is_timed(part)
        case Compared(field, _, _):
            return field == "added"


def quoted(text: str) -> str:
    """A text as a value of the language."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Reader:
    """Reads an expression from left to right; each method takes the longest part of its kind."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0

    def either(self, depth: int) -> Tree:
        """Parts joined by "or"."""
        return self._joined("or", depth)

    def require(self, *wanted: str) -> _Token:
        """The next token, which is one of these words or signs, or of these kinds, which are in capitals."""
        token = self._next
        if not (token.kind in wanted or (token.kind in ("WORD", "SIGN") and token.text.lower() in wanted)):
            seen = "the text ends" if token.kind == "END" else f"there is {token.text[:40]!r}"
            raise self._wrong(token, f"{seen}; give {' or '.join(KINDS.get(one, one) for one in wanted)}")
        self._at += 1
        return token

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _joined(self, word: str, depth: int) -> Tree:
        parts = [self._inner(word, depth)]
        while self._takes(word):
            parts.append(self._inner(word, depth))
        return parts[0] if len(parts) == 1 else Joined(word == "and", tuple(parts))

    def _inner(self, word: str, depth: int) -> Tree:
        return self._joined("and", depth) if word == "or" else self._part(depth)

    def _part(self, depth: int) -> Tree:
        if depth == 0:
            raise self._wrong(self._next, f"brackets and `not` stand more than {DEEPEST} deep; write it flatter")
        if self._takes("not"):
            return Negated(self._part(depth - 1))
        if self._takes("("):
            tree = self.either(depth - 1)
            self.require(")")
            return tree
        return self._comparison()

    def _comparison(self) -> Tree:
        field = self.require("WORD")
        name = field.text.lower()
        if name not in TEXTS + NUMBERS:
            raise self._wrong(field, f"{field.text[:40]!r} is no field; give {', '.join(TEXTS + NUMBERS)}")
        kind = "TEXT" if name in TEXTS else "NUMBER"
        signs = ("=", "!=", "in", "not") if name in TEXTS else ("=", "!=", *ORDERS, "in", "not")
        sign = self.require(*signs).text.lower()
        if sign == "not":
            self.require("in")
        values = self._values(kind) if sign in ("in", "not") else (self._value(kind),)
        found = Compared(name, sign if sign in ORDERS else "=", values)  # type: ignore[arg-type]
        return Negated(found) if sign in ("!=", "not") else found

    def _values(self, kind: str) -> tuple[str | float, ...]:
        self.require("(")
        values = [self._value(kind)]
        while self.require(",", ")").text == ",":
            values.append(self._value(kind))
        return tuple(values)

    def _value(self, kind: str) -> str | float:
        token = self.require(kind)
        return float(token.text) if kind == "NUMBER" else re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)

    def _takes(self, word: str) -> bool:
        found = self._next.kind != "TEXT" and self._next.text.lower() == word
        self._at += found
        return found

    def _wrong(self, token: _Token, problem: str) -> BadRequest:
        return BadRequest(f"at character {token.at + 1} of {self._text[:200]!r}: {problem}")


def _tokens(text: str) -> list[_Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            seen = text[at:].lstrip()[:20]
            raise BadRequest(
                f"at character {end - len(text[at:end].lstrip()) + 1} of {text[:200]!r}: {seen!r} is neither a word, a "
                "number, a sign nor a text in quotes"
            )
        kind = str(match.lastgroup)
        found.append(_Token(kind.upper(), match[kind], match.start(kind)))
        at = match.end()
    return [*found, _Token("END", "", len(text))]
