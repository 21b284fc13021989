"""What correction for exposure gains on titles shown by chance, and a page with every cap: `var/debias.html`.

    python benchmarks/bench_debias.py [RANKLENS]

A world of 2,500 members and 400 titles. A service pushed titles with one of three strengths; how likely each was seen
is known. Models learn from that log alone: EASE and factors from likes as they stand, and the same with weighted likes
(IPS) and doubly robust targets at several caps. Then each ranks, for every member, 100 titles that the member has not
seen, once drawn by chance and once as the service pushes them; gain is the true chance of a like, NDCG@10.

Keys of the result: for each policy a list with `model`, `cap`, `relative` (value, low, high: change against the
uncorrected model of the same kind), `p` (paired sign flips), `biased` (the same where the policy shows titles) and
`effective` looks; `ndcg` of the uncorrected models; `counts`: doubly robust, cap 2, propensities estimated from counts.
`pages`: another log, of pages pushed to eight audiences, each by its own titles: propensities by counts and by
its logged decisions beside the truth.

With the folder of RankLens instead: `by_chance` and `by_em`, examination of each place as a share of the first one's,
and `apart`, the most that they differ.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl
from machine import machine

from matinee.data.exposures import Propensities, by_counts, exposures_of
from matinee.data.from_decisions import by_decisions
from matinee.data.histories import training_data
from matinee.data.looked import effective
from matinee.data.sources import ranklens
from matinee.decision import Progress, Requests, Scorer, no_progress
from matinee.evaluate.results import Estimate
from matinee.events import DAY
from matinee.history import TrainingData
from matinee.maths.arrays import Doubles
from matinee.maths.mean_intervals import normal
from matinee.maths.position_bias import by_chance, by_em
from matinee.maths.propensities import inverse
from matinee.maths.significance import sign_flip_test
from matinee.models.debiased.autoencoder import DebiasedEase, DebiasedEaseConfig
from matinee.models.debiased.factors import DebiasedFactors, DebiasedFactorsConfig
from matinee.models.debiased.targets import Correction, DebiasConfig
from matinee.models.factors import Factors, FactorsConfig
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.report.debias import DebiasReport, Gain, Under
from matinee.simulate.config import WorldConfig
from matinee.simulate.echo import Echo, EchoConfig
from matinee.simulate.echo_pages import EchoPages, PagesConfig
from matinee.simulate.world import World
from matinee.testing import make_catalog

MEMBERS, TITLES, ASKED, N, SEED = 2_500, 400, 100, 10, 0
STRENGTHS = {"A gentle policy": 0.7, "A policy that pushes": 1.1, "A policy that pushes hard": 1.6}
CAPS = (1.0, 2.0, 5.0, 10.0, 20.0, 100.0)
QUIET = WorldConfig(
    taste=1.5, moods=0, novelty=0, season=0, again=0, launching=0, leaving=0, shared=0, click=0.9
)  # members and titles differ, and nothing else moves
REPORT = Path("var/debias.html")
METHOD = (
    f"A simulated world: {MEMBERS:,} members, {TITLES} titles, about 60 looks and 15 likes a member; seed {SEED}.",
    "The push of a title follows its appeal with a correlation of a half; propensities are those of the world.",
    f"NDCG@{N} of {ASKED} titles that a member has not seen; gain is the true chance of a like.",
    "EASE with a penalty of 300 and factors of 16 dimensions (penalty .03), with and without correction.",
    "Changes are relative and paired by member; p by sign flips, not corrected for the number of rows.",
)


class Measured:
    """One log, and the NDCG of a scorer on titles shown by chance and as the policy shows them."""

    def __init__(self, world: World, echo: Echo | EchoPages, rng: np.random.Generator) -> None:
        self.echo = echo
        self.propensities = np.broadcast_to(echo.propensities, echo.seen.shape)
        self.data: TrainingData = training_data(echo.events(world), world.catalog, world.config.start + DAY)
        self.rows = np.array([echo.user_ids.index(one) for one in self.data.user_ids])
        keys = rng.random(echo.seen.shape)
        self.lists = [self._drawn(keys), self._drawn(keys ** (1 / self.propensities))]

    @classmethod
    def of(cls, world: World, strength: float, seed: int) -> Self:
        """A log in which titles were pushed so strongly, alike for everybody."""
        rng = np.random.default_rng([seed, round(100 * strength)])
        return cls(world, Echo.of(world, rng, EchoConfig(strength=strength)), rng)

    def known(self) -> Propensities:
        """The propensities of the world."""
        return lambda _, met: self.propensities[self.rows[met.members], met.titles]

    def ndcg(self, scorer: Scorer) -> list[Doubles]:
        """(members,) for each way of showing titles."""
        scores = scorer.score(Requests.of_histories(self.data.histories)).astype(np.float64)
        return [self._ndcg(scores, lists) for lists in self.lists]

    def effective(self, cap: float) -> float:
        """How many looks that count alike the weights of this cap leave."""
        met = exposures_of(self.data)
        return effective(inverse(self.known()(self.data, met), DebiasConfig(cap=cap).weighing))

    def _drawn(self, keys: Doubles) -> np.ndarray:
        """(members, ASKED) titles that each has not seen, those with the highest keys."""
        keys = np.where(self.echo.seen, -1.0, keys)[self.rows]
        return np.argsort(-keys, axis=1)[:, :ASKED]

    def _ndcg(self, scores: Doubles, lists: np.ndarray) -> Doubles:
        truth = np.take_along_axis(self.echo.truth[self.rows], lists, axis=1)
        order = np.argsort(-np.take_along_axis(scores, lists, axis=1), axis=1, kind="stable")[:, :N]
        discounts = 1 / np.log2(np.arange(2, N + 2))
        best = -np.sort(-truth, axis=1)[:, :N]
        return np.asarray((np.take_along_axis(truth, order, axis=1) @ discounts) / (best @ discounts))


def small_world(seed: int = SEED, members: int = MEMBERS) -> World:
    """Members and titles whose appeal spreads less than in a large catalogue: one film in four is liked."""
    world = World.drawn(members, make_catalog(TITLES), QUIET, seed)
    appeal = world.titles.appeal
    return replace(
        world, titles=replace(world.titles, appeal=(0.5 * (appeal - appeal.mean()) - 1.0).astype(np.float32))
    )


def plain() -> dict[str, Scorer]:
    """The uncorrected model of each kind."""
    return {"EASE": Ease(EaseConfig(l2=300.0)), "factors": Factors(FactorsConfig(size=16, alpha0=0.1, reg=0.03))}


def corrected(how: Correction, cap: float, propensities: Propensities | None) -> dict[str, Scorer]:
    """The same kinds, corrected."""
    debias = DebiasConfig(how, cap)
    return {
        "EASE": DebiasedEase(DebiasedEaseConfig(debias=debias), propensities),
        "factors": DebiasedFactors(DebiasedFactorsConfig(debias=debias), propensities),
    }


def run(progress: Progress = no_progress) -> dict[str, Any]:
    """Measure every policy, write the page, return the numbers."""
    world, found, result = small_world(), [], {}
    for k, (name, strength) in enumerate(STRENGTHS.items()):
        measured = Measured.of(world, strength, SEED)
        step = _part(progress, name, k)
        base = {kind: measured.ndcg(_fit(one, measured)) for kind, one in plain().items()}
        uniform, biased = [], []
        for at, (how, cap) in enumerate((how, cap) for how in Correction for cap in CAPS):
            step(at / (2 * len(CAPS)))
            for kind, model in corrected(how, cap, measured.known()).items():
                scores = measured.ndcg(_fit(model, measured))
                both = [_gain(f"{kind}, {how}", cap, measured, *pair) for pair in zip(scores, base[kind], strict=True)]
                uniform.append(both[0])
                biased.append(both[1])
        order = np.argsort([one.model for one in uniform], kind="stable")
        found.append(Under(name, _about(strength, measured), *([rows[j] for j in order] for rows in (uniform, biased))))
        counts = {
            kind: _gain(kind, 2.0, measured, measured.ndcg(_fit(model, measured))[0], base[kind][0])
            for kind, model in corrected(Correction.DOUBLY_ROBUST, 2.0, None).items()
        }
        result[name] = _plain(found[-1], base, counts)
    progress("pages", 0.95)
    result["pages"] = pages(world)
    world_of = f"A world of {MEMBERS:,} members and {TITLES} titles"
    DebiasReport(world_of, found, METHOD, [_of_pages(result["pages"])]).write_html(REPORT)
    return {**result, "report": str(REPORT), "seed": SEED, "machine": machine()}


def pages(world: World, config: PagesConfig = PagesConfig()) -> dict[str, Any]:
    """Audiences that are pushed their own titles on pages whose probabilities are logged: how near propensities by
    decisions and by counts come to the truth, and what debiased EASE gains by each.
    """
    rng = np.random.default_rng([SEED, 1])
    echo = EchoPages.of(world, rng, config)
    measured = Measured(world, echo, rng)
    data, met = measured.data, exposures_of(measured.data)
    told = {
        "counts": by_counts(data, met),
        "decisions": by_decisions(echo.shown)(data, met),
        "truth": measured.known()(data, met),
    }
    base = measured.ndcg(_fit(plain()["EASE"], measured))[0]
    return {name: _by(one, told["truth"], measured, base) for name, one in told.items()}


def _by(told: Doubles, truth: Doubles, measured: Measured, base: Doubles) -> dict[str, Any]:
    """How near the logarithms of propensities `told` come to the truth, and what debiased EASE gains by them."""
    logs, found = (np.log(told), np.log(truth)), dict[str, Any]()
    for how, cap in ((Correction.IPS, 10.0), (Correction.DOUBLY_ROBUST, 5.0)):
        model = _fit(corrected(how, cap, lambda *_: told)["EASE"], measured)
        found[str(how)] = _three(_gain("EASE", cap, measured, measured.ndcg(model)[0], base))
    spread = float(np.sqrt(np.mean((logs[0] - logs[1]) ** 2)))
    return {"correlation": float(np.corrcoef(*logs)[0, 1]), "deviation": spread, **found}


def _of_pages(found: dict[str, Any]) -> str:
    """What logged decisions tell that counts do not, in a sentence."""
    by, count = found["decisions"], found["counts"]
    return (
        "Pages pushed to audiences, each by its own titles: propensities by logged decisions have a correlation of "
        f"{by['correlation']:.3f} with the truth, by counts {count['correlation']:.2f}; weighted likes gain "
        f"{by['ips'][0]:.1%} and {count['ips'][0]:.1%}, doubly robust ones {by['doubly-robust'][0]:.1%} and "
        f"{count['doubly-robust'][0]:.1%}."
    )


def _part(progress: Progress, name: str, k: int) -> Callable[[float], None]:
    return lambda done: progress(name, (k + done) / len(STRENGTHS))


def _fit(scorer: Scorer, measured: Measured) -> Scorer:
    return scorer.fit(measured.data, np.random.default_rng(SEED))


def _gain(model: str, cap: float, measured: Measured, scores: Doubles, base: Doubles) -> Gain:
    change = Estimate(*normal((scores - base) / base.mean()))
    p = float(sign_flip_test((scores - base)[:, None], np.random.default_rng(SEED), 2_000)[0])
    return Gain(model, cap, change, p, measured.effective(cap))


def _about(strength: float, measured: Measured) -> str:
    least, most = measured.echo.propensities.min(), measured.echo.propensities.max()
    return (
        f"The log-odds of being shown spread over titles with a standard deviation of {strength}: a member saw a title "
        f"with a chance of {least:.2%} to {most:.0%}."
    )


def _plain(under: Under, base: dict[str, list[Doubles]], counts: dict[str, Gain]) -> dict[str, Any]:
    rows = [
        {
            "model": one.model,
            "cap": one.cap,
            "relative": _three(one),
            "p": one.p,
            "biased": _three(other),
            "effective": one.effective,
        }
        for one, other in zip(under.uniform, under.biased, strict=True)
    ]
    means = {kind: [float(each.mean()) for each in both] for kind, both in base.items()}
    return {"rows": rows, "ndcg": means, "counts": {kind: (*_three(one), one.p) for kind, one in counts.items()}}


def _three(one: Gain) -> tuple[float, float, float]:
    return one.relative.value, one.relative.low, one.relative.high


def places(folder: Path) -> dict[str, Any]:
    """Position bias of RankLens, whose lists chance ordered: by rates of clicks, and by EM, whoever ordered them."""
    events = ranklens.read(folder).events
    list_and_title = ["decision_id", "item_id"]
    likes = events.filter(pl.col("kind") != "impression").select(*list_and_title, pl.lit(True).alias("liked")).unique()
    looks = events.filter(pl.col("kind") == "impression").join(likes, on=list_and_title, how="left")
    positions, clicked = looks["column"].to_numpy().astype(np.int32), looks["liked"].fill_null(False).to_numpy()
    titles = (looks["item_id"].rank("dense") - 1).cast(pl.Int32).to_numpy()
    chance, em = by_chance(positions, clicked), by_em(positions, titles, clicked)[0]
    return {"by_chance": chance.tolist(), "by_em": em.tolist(), "apart": float(np.abs(chance - em).max())}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(places(Path(sys.argv[1])))
        sys.exit()
    for key, value in run(lambda what, done: print(f"{what} {done:.0%}", flush=True)).items():
        print(key, value)
