"""Artifacts: a fitted scorer with its calibration as a folder that is verified before it is believed.

    manifest.json     what it is, for which catalogue, how good it was, and the SHA-256 of every other file
    scorer/...        what the scorer saved: arrays and JSON

The folder appears whole or not at all, never changes, and holds no code: nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from matinee.catalog import Catalog
from matinee.data.looked import FromLooks
from matinee.decision import Requests, Scorer
from matinee.errors import ArtifactRefused, BadRequest, MatineeError
from matinee.files import opened, synced
from matinee.history import Histories
from matinee.maths.calibration import Platt
from matinee.models.artifacts.building import building
from matinee.models.artifacts.quality import Quality
from matinee.models.artifacts.storage import REMEDY
from matinee.models.artifacts.widen import for_catalog

MANIFEST = "manifest.json"
MANIFEST_LIMIT = 10_000_000  # bytes; a longer manifest is refused unread


class Manifest(BaseModel):
    """What an artifact says about itself. `data_window`: first and last microsecond of the events it learned from;
    `from_looks`: what it learned from impressions, or why that is the prior; `quality`: how good it was on likes that
    it had not seen.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal[1]
    scorer: str
    config: dict[str, Any]
    slope: float = Field(allow_inf_nan=False, gt=0)
    intercept: float = Field(allow_inf_nan=False)
    titles: int = Field(ge=0)
    titles_sha256: str
    data_window: list[int] = Field(min_length=2, max_length=2)
    metrics: dict[str, float | int | str]
    created: str
    files: dict[str, str]
    from_looks: FromLooks = FromLooks()
    quality: Quality = Quality()


@dataclass(frozen=True)
class Artifact:
    """A scorer ready to serve. `artifact_id` is a hash of the manifest, hence of every byte of the artifact."""

    artifact_id: str
    scorer: Scorer
    calibration: Platt
    manifest: Manifest

    def for_catalog(self, catalog: Catalog) -> Self:
        """The artifact answering for every title of `catalog`, the one it was fitted on or a longer one.

        Raises `ArtifactRefused` when the first titles of `catalog` are not those it was fitted on.
        """
        fitted = self.manifest.titles
        if len(catalog) < fitted or _titles_hash(catalog.item_ids[:fitted]) != self.manifest.titles_sha256:
            raise ArtifactRefused(
                f"artifact {self.artifact_id} was fitted on {fitted:,} titles that are not the first of this "
                f"catalogue of {len(catalog):,}; use its own catalogue or train again"
            )
        return replace(self, scorer=for_catalog(self.scorer, fitted, catalog))


def save_artifact(
    folder: str | Path,
    scorer_name: str,
    scorer: Scorer,
    calibration: Platt,
    catalog: Catalog,
    data_window: tuple[int, int],
    metrics: Mapping[str, float | int | str],
    from_looks: FromLooks = FromLooks(),
    quality: Quality = Quality(),
) -> Artifact:
    """Write a fitted scorer to `folder`, which must not exist yet, and return it as the artifact it now is.

    All files are on disk before the folder appears under its name. `scorer_name` is the key under which the scorer's
    type will be handed to `load_artifact`; `data_window` in microseconds since 1970.
    """
    folder = Path(folder)
    if folder.exists():
        raise BadRequest(f"{folder} exists and artifacts never change; give a new folder")
    with building(folder) as draft:
        (draft / "scorer").mkdir()
        scorer.save(draft / "scorer")
        manifest = Manifest(
            format=1,
            scorer=scorer_name,
            config=_config(draft / "scorer"),
            slope=calibration.slope,
            intercept=calibration.intercept,
            titles=len(catalog),
            titles_sha256=_titles_hash(catalog.item_ids),
            data_window=list(data_window),
            metrics=dict(metrics),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            files={name: _file_hash(draft / name) for name in _files(draft)},
            from_looks=from_looks,
            quality=quality,
        )
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=1))
        _sync(draft)
        draft.rename(folder)
    synced(folder.parent)
    return Artifact(_artifact_id((folder / MANIFEST).read_bytes()), scorer, calibration, manifest)


def load_artifact(folder: str | Path, scorers: Mapping[str, type[Scorer]], catalog: Catalog) -> Artifact:
    """Verify and load what `save_artifact` wrote; `scorers` says which types may be loaded, by name.

    Accepts the catalogue it was fitted on, also when titles were appended since. Raises `ArtifactRefused` when
    any byte changed, a file is missing or extra, the scorer is not among `scorers` or does not answer for the titles it
    should, or the catalogue is another.
    """
    folder = Path(folder)
    manifest, artifact_id = _read_manifest(folder)
    found = _files(folder)
    if set(found) != set(manifest.files):
        odd = sorted(set(found) ^ set(manifest.files))
        raise ArtifactRefused(f"{folder} has missing or extra files: {odd[:5]}; {REMEDY}")
    try:
        changed = [name for name in found if _file_hash(folder / name) != manifest.files[name]]
    except OSError as error:
        raise ArtifactRefused(f"{folder} cannot be read: {error}; {REMEDY}") from error
    if changed:
        raise ArtifactRefused(f"{folder / changed[0]} is not the file that was saved; {REMEDY}")
    if manifest.scorer not in scorers:
        raise ArtifactRefused(f"{folder} holds the scorer {manifest.scorer!r}; known are {sorted(scorers)}")
    scorer_type, calibration = scorers[manifest.scorer], Platt(manifest.slope, manifest.intercept)
    try:
        scorer = scorer_type.load(folder / "scorer")
        _require_answers(scorer, manifest.titles, folder)
        return Artifact(artifact_id, scorer, calibration, manifest).for_catalog(catalog)
    except MatineeError:
        raise
    except Exception as error:  # files can be wrong in more ways than loading can foresee
        raise ArtifactRefused(f"{folder} cannot be loaded: {error!r}; {REMEDY}") from error


def quality_of(folder: Path) -> Quality:
    """What the artifact in `folder` says of its quality, without loading it. Raises `ArtifactRefused`."""
    return _read_manifest(folder)[0].quality


def _require_answers(scorer: Scorer, titles: int, folder: Path) -> None:
    """Raise `ArtifactRefused` unless the scorer has a finite answer for each of so many titles."""
    scores = scorer.score(Requests.of_histories(Histories.of_items([[], [0]])))
    if scores.shape != (2, titles):
        raise ArtifactRefused(f"{folder} is for {titles:,} titles and holds a scorer of {scores.shape[-1]:,}; {REMEDY}")
    if not np.isfinite(scores).all():
        raise ArtifactRefused(f"{folder} holds a scorer whose scores are not all finite; {REMEDY}")


def _read_manifest(folder: Path) -> tuple[Manifest, str]:
    path = folder / MANIFEST
    if folder.is_symlink():
        raise ArtifactRefused(f"{folder} is a link, which no artifact is; give the folder that it leads to")
    try:
        with opened(path, MANIFEST_LIMIT) as file:
            raw = file.read()
        return Manifest.model_validate_json(raw), _artifact_id(raw)
    except (OSError, ValueError, ValidationError) as error:
        raise ArtifactRefused(f"{path} is not a manifest that can be read: {error}; {REMEDY}") from error


def _files(folder: Path) -> list[str]:
    """Every file below `folder` but the manifest, by its name inside; anything but plain files is refused."""
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ArtifactRefused(f"{path} is a link or a device, which no artifact holds; {REMEDY}")
        if path.is_file():
            names.append(path.relative_to(folder).as_posix())
    return [name for name in names if name != MANIFEST]


def _config(folder: Path) -> dict[str, Any]:
    """The scorer's own settings, shown in the manifest for people to read."""
    path = folder / "scorer.json"
    config = json.loads(path.read_text()).get("config", {}) if path.exists() else {}
    return dict(config)


def _titles_hash(item_ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(map(repr, item_ids)).encode()).hexdigest()


def _file_hash(path: Path) -> str:
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def id_of(folder: Path) -> str:
    """The id of the artifact in a folder, by its manifest. Raises `ArtifactRefused` where there is none."""
    return _read_manifest(folder)[1]


def _artifact_id(manifest: bytes) -> str:
    return hashlib.sha256(manifest).hexdigest()[:12]


def _sync(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        synced(path)
