"""The tree of what can go wrong. Every message says what is wrong, the value seen, and the remedy.

MatineeError
├── BadData            a file, a frame or an event that cannot be used as it is
├── BadRequest         a call whose arguments cannot be answered
│   └── UnknownName    a name in a profile that the catalogue does not know
├── NotFound           a member, title or decision that is not known
├── NotFitted          a scorer was asked before it was fitted or loaded
├── TooLarge           a computation that would not fit in memory
├── ArtifactRefused    a model folder that is damaged, tampered with, or of another catalogue
├── Collapsed          a training whose model is so much worse than the one that serves that somebody must look
├── LogDamaged         an event log that cannot be read safely
├── LogFull            an event log whose disk has no room; nothing of the write is stored
├── LogReadOnly        an event log whose files or folder may not be written
├── MissingExtra       a model that needs a package which is not installed
└── Overloaded         the service sheds load; try again after `retry_after` seconds
"""


class MatineeError(Exception):
    """Root of all errors that a user of Matinee may want to catch."""


class BadData(MatineeError, ValueError):
    """A file, a frame or an event cannot be used as it is."""


class BadRequest(MatineeError, ValueError):
    """A call's arguments cannot be answered."""


class UnknownName(BadRequest):
    """A name in a profile is not known to the catalogue: a guarantee that would hold nothing back."""


class NotFound(MatineeError, KeyError):
    """A member, title or decision is not known."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class NotFitted(MatineeError, RuntimeError):
    """A scorer was asked before it was fitted or loaded."""


class TooLarge(MatineeError, MemoryError):
    """A computation would not fit in memory."""


class ArtifactRefused(MatineeError):
    """A model folder is damaged, tampered with, or belongs to another catalogue."""


class Collapsed(MatineeError):
    """A model is so much worse than the artifact before it that it is not kept unasked."""


class LogDamaged(MatineeError):
    """An event log cannot be read safely."""


class LogFull(MatineeError):
    """The disk of an event log has no room; nothing of the write is stored."""


class LogReadOnly(MatineeError):
    """The files or the folder of an event log may not be written."""


class MissingExtra(MatineeError, ImportError):
    """A model needs a package that is not installed."""


class Overloaded(MatineeError):
    """The service sheds load instead of queueing without end."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def require_share(what: str, value: float) -> None:
    """Raise `BadRequest` where a value is no number from 0 to 1."""
    if not 0.0 <= value <= 1.0:
        raise BadRequest(f"{what} is {value}; give a number from 0 to 1")


def require_floor(floor: float) -> None:
    """Raise `BadRequest` where a share of decisions that is left to chance is not above 0 and at most 1."""
    require_some("the floor", floor)


def require_some(what: str, share: float) -> None:
    """Raise `BadRequest` where a share is not above 0 and at most 1."""
    if not 0.0 < share <= 1.0:
        raise BadRequest(f"{what} is {share}; give a share above 0, at most 1")


def require_optimism(optimism: float, sampling: bool) -> None:
    """Raise `BadRequest` where the deviations that UCB adds are below 0, or stand beside Thompson sampling."""
    if not optimism >= 0.0 or (sampling and optimism > 0.0):
        raise BadRequest(f"optimism is {optimism}; give 0 or more, and `sampling=False` with what is above 0")
