"""Situations: where, on what, in which language and when, as small numbers, so that arrays can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from matinee.maths.arrays import Int8s, Int16s, Int32s, Int64s

DEVICES = ("web", "phone", "tablet", "tv", "console", "stick")  # 1 to 6; every other name is 7
N_DEVICES = len(DEVICES) + 2
N_COUNTRIES = 26 * 26 + 1
_ALSO = {"mobile": "phone"}  # other names of devices
OTHER = "other"  # what a device that is none of these is called
LETTERS = 27  # 26, and none
_ISO = {  # ISO 3166-1 alpha-2: first letter -> second letters
    "A": "DEFGILMOQRSTUWXZ", "B": "ABDEFGHIJLMNOQRSTVWYZ", "C": "ACDFGHIKLMNORUVWXYZ", "D": "EJKMOZ",
    "E": "CEGHRST", "F": "IJKMOR", "G": "ABDEFGHILMNPQRSTUWY", "H": "KMNRTU",
    "I": "DELMNOQRST", "J": "EMOP", "K": "EGHIMNPRWYZ", "L": "ABCIKRSTUVY",
    "M": "ACDEFGHKLMNOPQRSTUVWXYZ", "N": "ACEFGILOPRUZ", "O": "M", "P": "AEFGHKLMNRSTWY",
    "Q": "A", "R": "EOSUW", "S": "ABCDEGHIJKLMNORSTVXYZ", "T": "CDFGHJKLMNORTVWZ",
    "U": "AGMSYZ", "V": "ACEGINU", "W": "FS", "Y": "ET",
    "Z": "AMW",
}  # fmt: skip
ISO_COUNTRIES = tuple(first + second for first, seconds in _ISO.items() for second in seconds)


@dataclass(frozen=True, slots=True)
class Context:
    """The situation of one request. None and -1 mean unknown; `weekday` 0 is Monday, both are local time."""

    country: str | None = None
    device: str | None = None
    language: str | None = None
    hour: int = -1
    weekday: int = -1


@dataclass(frozen=True)
class Situations:
    """The situations of a batch as codes (batch,): `country`, `device` and `language` 0 where unknown, local `hour` and
    `weekday` -1 (0 is Monday).
    """

    country: Int16s
    device: Int8s
    language: Int16s
    hour: Int8s
    weekday: Int8s

    def __len__(self) -> int:
        return len(self.country)

    @classmethod
    def of(cls, contexts: Sequence[Context]) -> Situations:
        """The situations of these contexts, one each."""
        return cls(
            np.array([country_code(one.country) for one in contexts], np.int16),
            np.array([device_code(one.device) for one in contexts], np.int8),
            np.array([language_code(one.language) for one in contexts], np.int16),
            np.array([one.hour for one in contexts], np.int8),
            np.array([one.weekday for one in contexts], np.int8),
        )

    @classmethod
    def unknown(cls, batch: int) -> Situations:
        """Situations of which nothing is known."""
        return cls.of([Context()]).take(np.zeros(batch, np.int64))

    @classmethod
    def joined(cls, parts: Sequence[Situations]) -> Situations:
        """The situations of all parts, one part after the other; at least one part."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def take(self, rows: Int64s) -> Situations:
        """Those of these batch rows, in this order."""
        return Situations(*(getattr(self, one.name)[rows] for one in fields(self)))

    def context(self, b: int) -> Context:
        """One of them in words; a device of no known name is "other"."""
        return Context(
            country_of(int(self.country[b])),
            device_of(int(self.device[b])),
            language_of(int(self.language[b])),
            int(self.hour[b]),
            int(self.weekday[b]),
        )

    def distinct(self) -> tuple[Situations, Int64s]:
        """The situations that differ, and which of them each one is (batch,)."""
        if len(self) == 1:
            return self, np.zeros(1, np.int64)
        keys = self.country.astype(np.int64)
        for column in (self.device, self.language, self.hour, self.weekday):
            keys = keys * (int(column.max(initial=0)) + 2) + column + 1
        _, first, number = np.unique(keys, return_index=True, return_inverse=True)
        return self.take(first), number


def country_code(country: str | None) -> int:
    """1 to 676 for two letters (ISO 3166 alpha-2, any case), 0 for anything else."""
    if country is None or len(country) != 2 or not (country.isascii() and country.isalpha()):
        return 0
    first, second = (ord(letter) - ord("A") for letter in country.upper())
    return 26 * first + second + 1


def country_of(code: int) -> str | None:
    """The letters of a country's code; None for 0."""
    first, second = divmod(code - 1, 26)
    return chr(ord("A") + first) + chr(ord("A") + second) if code else None


def device_code(device: str | None) -> int:
    """1 to 6 for one of `DEVICES` (any case; "mobile" is a phone), 7 for another name, 0 for none."""
    if not device:
        return 0
    name = _ALSO.get(device.lower(), device.lower())
    return DEVICES.index(name) + 1 if name in DEVICES else len(DEVICES) + 1


def device_of(code: int) -> str | None:
    """The name of a device's code; None for 0."""
    return (None, *DEVICES, OTHER)[code]


def language_code(language: str | None) -> int:
    """The letters of a language (ISO 639, two or three, any case) as a number; what follows them ("en-GB") does not
    count; 0 for anything else.
    """
    letters = (language or "").replace("_", "-").split("-")[0].lower()
    if len(letters) not in (2, 3) or not (letters.isascii() and letters.isalpha()):
        return 0
    code = 0
    for letter in letters:
        code = code * LETTERS + ord(letter) - ord("a") + 1
    return code


def language_of(code: int) -> str | None:
    """The letters of a language's code; None for 0."""
    letters = ""
    while code:
        code, letter = divmod(code, LETTERS)
        letters = chr(ord("a") + letter - 1) + letters
    return letters or None


def country_codes(countries: pl.Series) -> Int16s:
    """`country_code` of every value."""
    return _coded(countries, {name: country_code(name) for name in countries.unique()}).astype(np.int16)


def device_codes(devices: pl.Series) -> Int8s:
    """`device_code` of every value."""
    return _coded(devices, {name: device_code(name) for name in devices.unique()}).astype(np.int8)


def language_codes(languages: pl.Series) -> Int16s:
    """`language_code` of every value."""
    return _coded(languages, {name: language_code(name) for name in languages.unique()}).astype(np.int16)


def _coded(values: pl.Series, codes: dict[str | None, int]) -> Int32s:
    return values.replace_strict(codes, default=0, return_dtype=pl.Int32).to_numpy()
