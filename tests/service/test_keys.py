"""Keys: none that is empty, short or shared by both roles, and only their hashes are kept."""

from __future__ import annotations

import pytest

from matinee.errors import BadRequest
from matinee.service.keys import Keys

LONG, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize("key", ["", " ", "short", LONG[:-1]])
def test_a_short_key_is_refused_in_either_role(key):
    for role in ("read", "write"):
        with pytest.raises(BadRequest, match=f"{len(key)} characters; give at least 16"):
            Keys.of(**{role: [key]})


@pytest.mark.parametrize("key", [LONG + " ", LONG + "\n", LONG + "é", " " * 16])
def test_a_key_that_no_header_carries_is_refused(key):
    with pytest.raises(BadRequest, match="header"):
        Keys.of(write=[key])


def test_one_key_for_both_roles_is_refused():
    with pytest.raises(BadRequest, match="equal"):
        Keys.of([LONG, OTHER], [OTHER])


def test_roles_follow_from_keys_and_nothing_from_none():
    keys = Keys.of([LONG], [OTHER])
    assert [keys.role(key) for key in (LONG, OTHER, LONG[:-1], LONG + "0", "", None, "\udcff")] == [
        "read", "write", None, None, None, None, None
    ]  # fmt: skip
    assert Keys().open
    assert not keys.open
    assert not Keys.of(write=[OTHER]).open


def test_keys_are_kept_as_hashes():
    assert LONG not in repr(Keys.of([LONG]))


def test_an_odd_key_is_an_answer_of_401(serve):
    client = serve(keys=Keys.of(write=[LONG]))
    for key in (b"\xff\xfe", b"", b"x" * 5_000):
        answer = client.delete("/v1/profiles/ada", headers={"x-api-key": key})
        assert answer.status_code == 401
        assert "X-API-Key" in answer.json()["remedy"]
