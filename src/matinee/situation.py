"""Where a member was: countries and devices as small numbers, so that arrays can hold them. 0 means unknown."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

DEVICES = ("web", "phone", "tablet", "tv", "console", "stick")  # 1 to 6; every other name is 7
N_DEVICES = len(DEVICES) + 2
N_COUNTRIES = 26 * 26 + 1
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


def country_code(country: str | None) -> int:
    """1 to 676 for two letters (ISO 3166 alpha-2, any case), 0 for anything else."""
    if country is None or len(country) != 2 or not (country.isascii() and country.isalpha()):
        return 0
    first, second = (ord(letter) - ord("A") for letter in country.upper())
    return 26 * first + second + 1


def device_code(device: str | None) -> int:
    """1 to 6 for one of `DEVICES` (any case), 7 for another name, 0 for none."""
    if not device:
        return 0
    name = device.lower()
    return DEVICES.index(name) + 1 if name in DEVICES else len(DEVICES) + 1


def country_codes(countries: pl.Series) -> NDArray[np.int16]:
    """`country_code` of every value."""
    return _coded(countries, {name: country_code(name) for name in countries.unique()}).astype(np.int16)


def device_codes(devices: pl.Series) -> NDArray[np.int8]:
    """`device_code` of every value."""
    return _coded(devices, {name: device_code(name) for name in devices.unique()}).astype(np.int8)


def _coded(values: pl.Series, codes: dict[str | None, int]) -> NDArray[np.int32]:
    return values.replace_strict(codes, default=0, return_dtype=pl.Int32).to_numpy()
