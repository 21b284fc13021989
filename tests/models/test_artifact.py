"""Artifacts: what was saved comes back; what was touched is refused."""

import json
import os
from pathlib import Path
from shutil import rmtree

import numpy as np
import polars as pl
import pytest

from matinee.decision import Requests
from matinee.errors import ArtifactRefused, BadRequest
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.models.artifacts import storage
from matinee.models.artifacts.artifact import load_artifact, save_artifact
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.testing import assert_same, checkerboard, make_catalog

SCORERS = {"ease": Ease}
DATA = checkerboard()
REQUESTS = Requests.of_histories(Histories.of_items([[], [0, 2]]))


@pytest.fixture
def saved(tmp_path):
    scorer = Ease().fit(DATA, np.random.default_rng(0))
    folder = tmp_path / "artifact"
    return folder, save_artifact(folder, "ease", scorer, Platt(2.0, -3.0), DATA.catalog, (1, 2), {"recall@20": 0.5})


def test_round_trip(saved):
    folder, artifact = saved
    loaded = load_artifact(folder, SCORERS, DATA.catalog)
    assert loaded.artifact_id == artifact.artifact_id
    assert loaded.calibration == Platt(2.0, -3.0)
    assert loaded.manifest == artifact.manifest
    assert loaded.manifest.config["l2"] == 500.0
    assert loaded.manifest.metrics == {"recall@20": 0.5}
    assert loaded.manifest.data_window == [1, 2]
    assert_same(loaded.scorer.score(REQUESTS), artifact.scorer.score(REQUESTS))


def test_nothing_is_left_beside_the_folder(saved):
    folder, _ = saved
    assert os.listdir(folder.parent) == ["artifact"]


def test_an_artifact_is_never_overwritten(saved):
    folder, artifact = saved
    with pytest.raises(BadRequest, match="new folder"):
        save_artifact(folder, "ease", artifact.scorer, Platt(1, 0), DATA.catalog, (0, 0), {})


def test_a_failed_save_leaves_nothing(tmp_path):
    class Broken(Ease):
        def save(self, folder):
            (folder / "half.npy").write_bytes(b"x")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        save_artifact(tmp_path / "a", "ease", Broken(), Platt(1, 0), DATA.catalog, (0, 0), {})
    assert os.listdir(tmp_path) == []


def files_of(folder: Path):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_any_changed_byte_is_refused(saved):
    folder, _ = saved
    rng = np.random.default_rng(0)
    for path in files_of(folder):
        kept = path.read_bytes()
        if path.name == "manifest.json":
            continue
        for at in rng.integers(0, len(kept), 10):
            path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
            with pytest.raises(ArtifactRefused, match="not the file"):
                load_artifact(folder, SCORERS, DATA.catalog)
        path.write_bytes(kept)
    load_artifact(folder, SCORERS, DATA.catalog)


def test_every_missing_or_extra_file_is_refused(saved):
    folder, _ = saved
    for path in files_of(folder):
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(ArtifactRefused, match="train again"):
            load_artifact(folder, SCORERS, DATA.catalog)
        path.write_bytes(kept)
    (folder / "scorer" / "more.npy").write_bytes(b"")
    with pytest.raises(ArtifactRefused, match=r"more\.npy"):
        load_artifact(folder, SCORERS, DATA.catalog)


def change(folder, **fields):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"format": 2},
        {"slope": "2.0"},
        {"slope": -1.0},
        {"titles": "12"},
        {"titles": True},
        {"files": ["scorer.json"]},
        {"files": {"../outside": "0" * 64}},
        {"files": {"/etc/passwd": "0" * 64}},
        {"unknown": 1},
        {"scorer": "os.system"},
        {"data_window": [1]},
        {"metrics": {"recall": [1]}},
    ],
)
def test_a_wrong_manifest_is_refused(saved, fields):
    folder, _ = saved
    change(folder, **fields)
    with pytest.raises(ArtifactRefused):
        load_artifact(folder, SCORERS, DATA.catalog)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", "\x00", '{"format": 1}', "[" * 100_000])
def test_something_else_than_a_manifest_is_refused(saved, text):
    folder, _ = saved
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ArtifactRefused):
        load_artifact(folder, SCORERS, DATA.catalog)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ArtifactRefused, match="manifest"):
        load_artifact(tmp_path / "nothing", SCORERS, DATA.catalog)


def test_links_are_refused(saved):
    folder, _ = saved
    target = folder / "scorer" / "map.npy"
    moved = folder.parent / "elsewhere.npy"
    target.rename(moved)
    target.symlink_to(moved)
    with pytest.raises(ArtifactRefused, match="link"):
        load_artifact(folder, SCORERS, DATA.catalog)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["manifest.json", "scorer/scorer.json", "scorer/map.npy", "scorer/extra"])
def test_a_pipe_is_refused_and_not_waited_for(saved, name):
    folder, _ = saved
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(ArtifactRefused):
        load_artifact(folder, SCORERS, DATA.catalog)
    if name.startswith("scorer/s"):
        with pytest.raises(ArtifactRefused, match="no plain file"):
            Ease.load(folder / "scorer")


def test_a_linked_folder_is_refused(saved):
    folder, _ = saved
    link = folder.with_name("link")
    link.symlink_to(folder)
    with pytest.raises(ArtifactRefused, match="is a link"):
        load_artifact(link, SCORERS, DATA.catalog)


@pytest.mark.parametrize("size", [storage.JSON_LIMIT + 1, 10**12])
def test_settings_of_any_size_are_refused_unread(saved, size):
    folder, _ = saved
    with (folder / "scorer" / "scorer.json").open("wb") as file:
        file.truncate(size)
    with pytest.raises(ArtifactRefused, match=f"{size:,} bytes and at most"):
        Ease.load(folder / "scorer")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_number_that_is_not_finite_is_refused_even_with_a_matching_hash(saved, value):
    folder, _ = saved
    array = np.load(folder / "scorer" / "map.npy")
    array[5, 7] = value
    np.save(folder / "scorer" / "map.npy", array)
    refused(folder)


def rehash(folder):
    """Make the manifest agree with files that were replaced: an attacker who can also do that."""
    from hashlib import sha256

    hashes = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files_of(folder)
        if path.name != "manifest.json"
    }
    change(folder, files=hashes)


def refused(folder):
    """The scorer refuses its files, and the artifact them too, though their hashes match."""
    with pytest.raises(ArtifactRefused, match="EaseConfig"):
        Ease.load(folder / "scorer")
    rehash(folder)
    with pytest.raises(ArtifactRefused):
        load_artifact(folder, SCORERS, DATA.catalog)


def test_pickled_arrays_are_refused_even_with_a_matching_hash(saved):
    folder, _ = saved

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was executed",))

    np.save(folder / "scorer" / "map.npy", np.array([Bomb()], object), allow_pickle=True)
    rehash(folder)
    with pytest.raises(ArtifactRefused, match="holds object"):
        load_artifact(folder, SCORERS, DATA.catalog)


@pytest.mark.parametrize("array", [np.zeros((3, 3), np.float32), np.zeros((12, 12)), np.zeros(12, np.float32)])
def test_arrays_of_another_shape_or_type_are_refused_even_with_a_matching_hash(saved, array):
    folder, _ = saved
    np.save(folder / "scorer" / "map.npy", array)
    rehash(folder)
    with pytest.raises(ArtifactRefused):
        load_artifact(folder, SCORERS, DATA.catalog)


def header(text: str) -> bytes:
    """A file of this header alone."""
    padded = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        b"\x93NUMPY\x09\x00" + bytes(120),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (12, 12"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (12, 12), }"),
        header("{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }"),
    ],
    ids=["empty", "zip", "version", "broken header", "no numbers", "enormous"],
)
def test_damaged_arrays_are_refused_even_with_a_matching_hash(saved, content):
    folder, _ = saved
    (folder / "scorer" / "map.npy").write_bytes(content)
    refused(folder)


def test_any_changed_bit_of_a_header_is_refused_or_changes_nothing(saved):
    folder, artifact = saved
    path = folder / "scorer" / "map.npy"
    kept = path.read_bytes()
    for at in range(128):
        path.write_bytes(kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :])
        rehash(folder)
        try:
            scores = load_artifact(folder, SCORERS, DATA.catalog).scorer.score(REQUESTS)
        except ArtifactRefused:
            continue
        assert scores.shape == artifact.scorer.score(REQUESTS).shape


@pytest.mark.parametrize("text", ["[" * 100_000, '{"config": {"kappa": Infinity}, "prior_scale": 1.0}'])
def test_json_that_cannot_be_used_is_refused_even_with_a_matching_hash(saved, text):
    folder, _ = saved
    (folder / "scorer" / "scorer.json").write_text(text)
    refused(folder)


def test_a_setting_that_is_not_finite_is_never_saved(tmp_path):
    scorer = Ease(EaseConfig(kappa=float("inf"))).fit(DATA, np.random.default_rng(0))
    with pytest.raises(BadRequest, match="finite"):
        scorer.save(tmp_path)


@pytest.mark.parametrize("error", [MemoryError("no room"), AttributeError("no such name"), OverflowError("too long")])
def test_whatever_a_scorer_fails_with_is_a_refusal(saved, monkeypatch, error):
    folder, _ = saved

    def fail(folder):
        raise error

    monkeypatch.setattr(Ease, "load", fail)
    with pytest.raises(ArtifactRefused, match=type(error).__name__):
        load_artifact(folder, SCORERS, DATA.catalog)


def test_unknown_settings_are_refused_even_with_a_matching_hash(saved):
    folder, _ = saved
    path = folder / "scorer" / "scorer.json"
    fields = json.loads(path.read_text())
    fields["config"]["l3"] = 1.0
    path.write_text(json.dumps(fields))
    rehash(folder)
    with pytest.raises(ArtifactRefused, match="l3"):
        load_artifact(folder, SCORERS, DATA.catalog)


@pytest.mark.parametrize("appended", [0, 1])
def test_the_scorer_of_another_catalogue_is_refused_even_with_a_matching_hash(saved, appended):
    folder, _ = saved
    rmtree(folder / "scorer")
    (folder / "scorer").mkdir()
    Ease().fit(checkerboard(titles=8), np.random.default_rng(0)).save(folder / "scorer")
    rehash(folder)
    catalog = DATA.catalog.append(pl.DataFrame({"item_id": [f"new {i}" for i in range(appended)]}))
    with pytest.raises(ArtifactRefused, match="12 titles and holds a scorer of 8"):
        load_artifact(folder, SCORERS, catalog)


def test_a_scorer_with_answers_that_are_not_finite_is_refused(saved):
    folder, _ = saved
    np.save(folder / "scorer" / "map.npy", np.full((12, 12), np.nan, np.float32))
    rehash(folder)
    with pytest.raises(ArtifactRefused, match=r"not (all )?finite"):
        load_artifact(folder, SCORERS, DATA.catalog)


def test_a_foreign_catalogue_is_refused(saved):
    folder, _ = saved
    other = type(DATA.catalog).from_frame(pl.DataFrame({"item_id": [f"x{i}" for i in range(12)]}))
    for catalog in (other, make_catalog(11)):
        with pytest.raises(ArtifactRefused, match="catalogue"):
            load_artifact(folder, SCORERS, catalog)


def test_an_appended_catalogue_is_answered(saved):
    folder, artifact = saved
    longer = DATA.catalog.append(pl.DataFrame({"item_id": ["new 1", "new 2"]}))
    wide = load_artifact(folder, SCORERS, longer)
    scores = wide.scorer.score(REQUESTS)
    known = artifact.scorer.score(REQUESTS)
    assert scores.dtype == np.float32
    assert_same(scores[:, :12], known)
    assert_same(scores[:, 12:], np.repeat(known.min(axis=1, keepdims=True), 2, axis=1))
    reasons = wide.scorer.explain(REQUESTS, np.array([[12, 13], [12, 4]], np.int32))
    assert reasons[:, 0].tolist() == [-1, -1]
    assert reasons[1, 1] in (0, 2)
    assert wide.for_catalog(DATA.catalog).scorer.score(REQUESTS).shape == (2, 12)
