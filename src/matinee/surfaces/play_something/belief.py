"""The belief over moods: answers so far -> posterior -> what each title promises, and what its answer would tell.

All functions are pure. `worth` is the probability that a title is enjoyed by this member on average over moments; in
mood m its odds are multiplied by `odds[m]`:

    P(enjoys i | m) = worth_i odds_mi / (1 - worth_i + worth_i odds_mi)
"""

from __future__ import annotations

import numpy as np

from matinee.decision.episodes import Episodes
from matinee.events import Kind
from matinee.maths.arrays import Doubles, Int8s
from matinee.maths.ragged import owners_of
from matinee.surfaces.play_something.moods import Moods

STEEP = 4.0  # of how sharply "lighter" tells the wished tone from the title's
MARGIN = 0.4  # by which the wish is lighter than the title before "lighter" is as likely said as not
FIRM = 3.0  # words about the mood tell so much more of it, in log-odds, than whether a title is taken
HALF = 0.5  # what an answer about the title itself counts for the mood
LEAST = 1e-3  # of a likelihood: a slip of the finger is always possible
PRAISE = (Kind.PLAY, Kind.THUMBS_UP)
BLAME = (Kind.THUMBS_DOWN, Kind.DISMISS)


def enjoyed(worth: Doubles, odds: Doubles) -> Doubles:
    """P(enjoys | mood), of the shapes of `worth` and `odds` broadcast."""
    raised = worth * odds
    return np.asarray(raised / (1.0 - worth + raised))


def posterior(episodes: Episodes, worth: Doubles, moods: Moods) -> Doubles:
    """(batch, moods) after the answers so far; `worth` along `episodes.suggested.values`.

    P(mood | answers) is proportional to P(mood) * product of P(answer | title, mood), answers independent given it.
    """
    titles, answers = episodes.suggested.values, episodes.answers
    told = np.log(np.maximum(likelihoods(answers, worth, moods, titles), LEAST))
    chain = owners_of(episodes.suggested.offsets)
    logs = np.tile(np.log(moods.prior), (len(episodes), 1))
    np.add.at(logs, chain, told)
    raised = np.exp(logs - logs.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def likelihoods(answers: Int8s, worth: Doubles, moods: Moods, titles: np.ndarray) -> Doubles:
    """(answers, moods) up to a factor that moods share: how likely each answer is in each mood.

    - play, thumbs up: the title is enjoyed in this mood; skip: it is not;
    - thumbs down, dismissal: it is not, by half, for they speak of the title first;
    - not now: the mood does not fit, however good the title is; more like this: it does;
    - lighter: the wished tone is above the title's by about `MARGIN` or more; heavier: below it.
    """
    odds = moods.odds[:, titles].T
    joy, fit = enjoyed(worth[:, None], odds), odds**FIRM / (1.0 + odds**FIRM)
    lift = moods.wishes[None, :] - moods.tones[titles][:, None]
    kinds = answers[:, None]
    return np.select(
        [
            np.isin(kinds, PRAISE),
            kinds == Kind.SKIP,
            np.isin(kinds, BLAME),
            kinds == Kind.NOT_NOW,
            kinds == Kind.MORE_LIKE,
            kinds == Kind.LIGHTER,
            kinds == Kind.HEAVIER,
        ],
        [
            joy,
            1.0 - joy,
            (1.0 - joy) ** HALF,
            1.0 - fit,
            fit,
            1.0 / (1.0 + np.exp(-STEEP * (lift - MARGIN))),
            1.0 / (1.0 + np.exp(STEEP * (lift + MARGIN))),
        ],
        1.0,
    )


def promised(belief: Doubles, worth: Doubles, moods: Moods) -> tuple[Doubles, Doubles]:
    """(titles,) each: P(enjoyed), and the nats by which the answer is expected to lower the entropy of the belief.

    `belief` (moods,), `worth` (titles,) strictly between 0 and 1. The answer is taken as yes or no, so that this is

        I(answer; mood | i) = H(sum_m b_m p_mi) - sum_m b_m H(p_mi)

    Costs one logarithm a mood and title: with D = 1 - w + w o, H(p) = log D - p log(w o) - (1 - p) log(1 - w).
    """
    raised = worth * moods.odds
    whole = raised + (1.0 - worth)
    joy = raised / whole
    mean = belief @ joy
    apart = belief @ np.log(whole) - mean * np.log(worth) - (1.0 - mean) * np.log1p(-worth)
    np.multiply(joy, moods.gains, out=joy)
    return mean, np.maximum(entropy(mean) - apart + belief @ joy, 0.0)


def entropy(p: Doubles) -> Doubles:
    """Of a yes or no that is yes with probability `p`, strictly between 0 and 1, in nats."""
    return np.asarray(-p * np.log(p) - (1 - p) * np.log1p(-p))
