"""Situations: countries and devices as numbers, by arithmetic."""

import numpy as np
import polars as pl
import pytest

from matinee.situation import (
    DEVICES,
    N_COUNTRIES,
    N_DEVICES,
    country_code,
    country_codes,
    device_code,
    device_codes,
)


@pytest.mark.parametrize(
    ("country", "code"),
    [("AA", 1), ("AB", 2), ("BA", 27), ("dk", 26 * 3 + 10 + 1), ("ZZ", 26 * 26), (None, 0), ("", 0), ("DNK", 0)],
)  # fmt: skip
def test_countries_are_numbers(country, code):
    assert country_code(country) == code < N_COUNTRIES


def test_devices_are_numbers():
    assert [device_code(name) for name in DEVICES] == list(range(1, len(DEVICES) + 1))
    assert device_code("TV") == device_code("tv")
    assert device_code("toaster") == device_code("fridge") == N_DEVICES - 1
    assert device_code(None) == device_code("") == 0


def test_whole_columns_are_coded_alike():
    countries, devices = ["DK", None, "xx", "DK", "nowhere"], ["tv", None, "toaster", "web", ""]
    np.testing.assert_array_equal(country_codes(pl.Series(countries)), [country_code(one) for one in countries])
    np.testing.assert_array_equal(device_codes(pl.Series(devices)), [device_code(one) for one in devices])
    assert country_codes(pl.Series([], dtype=pl.String)).shape == (0,)
    assert country_codes(pl.Series([None, None], dtype=pl.String)).tolist() == [0, 0]
