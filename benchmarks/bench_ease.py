"""EASE and EDLAE against LAPACK called directly and against irspack, taking turns in one run, and the memory of EASE.

    python benchmarks/bench_ease.py

`run()` returns machine and `sizes`, one entry for each catalogue: titles, rounds; gram_seconds (XᵀX, not part of
the ratio); fit_seconds and direct_seconds (medians of ours and of `spotrf` + `spotri` in place on the same matrix);
ratio (median over rounds of ours / direct); mirror_seconds (the part of ours that LAPACK leaves to do: other triangle,
scaling, zero diagonal); peak_matrices (growth of resident memory from likes to map, in n² floats; null where the system
does not tell); edlae_seconds, irspack_seconds and edlae_ratio (from likes to EDLAE's map, ours and irspack's, up to
`IRSPACK_UP_TO` titles; null above and where irspack is not installed).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from machine import forget_peak, machine, peak
from rich.console import Console
from rich.table import Table
from scipy import sparse
from scipy.linalg import lapack
from synthetic import likes

from matinee.maths.gram import gram, invert_upper, mirror_scaled
from matinee.models.linear_autoencoder import fit_map, solve

L2, DROPOUT = 500.0, 0.5
IRSPACK_UP_TO = 5_000  # titles; its general inverse takes seven times as long as ours
SIZES = ((3_700, 9), (10_000, 5), (20_000, 3))  # titles, rounds


def run(
    progress: Callable[[str, float], None] | None = None, sizes: Sequence[tuple[int, int]] = SIZES
) -> dict[str, Any]:
    """Solve each size for its number of rounds each way, in turns; see the top of this file for the keys."""
    progress = progress or (lambda what, done: None)
    solve(gram(likes(50, 70, 500)), L2)  # compile
    work = [titles**3 * (rounds + 1) for titles, rounds in sizes]
    found = []
    for at, (titles, rounds) in enumerate(sizes):
        start, share = sum(work[:at]) / sum(work), work[at] / sum(work)

        def told(what: str, done: float, name: str = f"{titles:,} titles", start: float = start, share: float = share):
            progress(f"{name}: {what}", start + share * done)

        found.append(compare(titles, rounds, told))
    return {"machine": machine(), "sizes": found}


def compare(titles: int, rounds: int, progress: Callable[[str, float], None]) -> dict[str, Any]:
    """The figures of one catalogue."""
    progress("drawing likes", 0.0)
    matrix = likes(titles * 2, titles, titles * 100)
    progress("solving once from likes, watching memory", 0.1)
    before = forget_peak()
    started = perf_counter()
    upper = gram(matrix)
    gram_seconds = perf_counter() - started
    solve(upper, L2)
    after = peak()
    upper = gram(matrix)
    times = []
    for at in range(rounds):
        progress(f"round {at + 1} of {rounds}", 0.2 + 0.7 * at / rounds)
        times.append(_round(upper, ours_first=at % 2 == 0))
    ours, direct, mirror = (list(column) for column in zip(*times, strict=True))
    return {
        "titles": titles,
        "rounds": rounds,
        "gram_seconds": gram_seconds,
        "fit_seconds": median(ours),
        "direct_seconds": median(direct),
        "ratio": median(a / b for a, b in zip(ours, direct, strict=True)),
        "mirror_seconds": median(mirror),
        "peak_matrices": None if before is None or after is None else (after - before) / (4 * titles**2),
        **_denoised(matrix, rounds, progress),
    }


def _round(upper: np.ndarray, ours_first: bool) -> tuple[float, float, float]:
    """Seconds of ours, of direct calls, and of mirroring within ours."""
    if ours_first:
        ours = _ours(upper.copy())
        return ours[0], _direct(upper.copy()), ours[1]
    direct = _direct(upper.copy())
    ours = _ours(upper.copy())
    return ours[0], direct, ours[1]


def _ours(matrix: np.ndarray) -> tuple[float, float]:
    started = perf_counter()
    matrix[np.diag_indices(len(matrix))] += np.float32(L2)
    invert_upper(matrix)
    inverted = perf_counter()
    mirror_scaled(matrix)
    ended = perf_counter()
    return ended - started, ended - inverted


def _direct(matrix: np.ndarray) -> float:
    started = perf_counter()
    matrix[np.diag_indices(len(matrix))] += np.float32(L2)
    factor, _ = lapack.spotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    lapack.spotri(factor, lower=1, overwrite_c=1)
    return perf_counter() - started


def _denoised(
    matrix: sparse.csr_matrix, rounds: int, progress: Callable[[str, float], None]
) -> dict[str, float | None]:
    if matrix.shape[1] > IRSPACK_UP_TO or find_spec("irspack") is None:
        return dict.fromkeys(("edlae_seconds", "irspack_seconds", "edlae_ratio"))
    from irspack import EDLAERecommender

    times = []
    for at in range(rounds):
        progress(f"EDLAE, round {at + 1} of {rounds}", 0.9 + 0.1 * at / rounds)
        ours = _seconds(lambda: fit_map(matrix, L2, DROPOUT))
        times.append((ours, _seconds(EDLAERecommender(matrix, reg=L2, dropout_p=DROPOUT).learn)))
    return {
        "edlae_seconds": median(ours for ours, _ in times),
        "irspack_seconds": median(theirs for _, theirs in times),
        "edlae_ratio": median(ours / theirs for ours, theirs in times),
    }


def _seconds(call: Callable[[], Any]) -> float:
    started = perf_counter()
    call()
    return perf_counter() - started


def show(result: dict[str, Any], console: Console) -> None:
    """Print what `run` found."""
    table = Table(title=f"EASE ({result['machine']})")
    table.add_column("what")
    for size in result["sizes"]:
        table.add_column(f"{size['titles']:,} titles", justify="right")
    for key, what, unit in (
        ("fit_seconds", "solve to the map, median", "s"),
        ("direct_seconds", "spotrf + spotri called directly, median", "s"),
        ("ratio", "ratio, median of rounds", ""),
        ("mirror_seconds", "of which mirroring and scaling", "s"),
        ("gram_seconds", "Gram matrix from likes", "s"),
        ("peak_matrices", "peak memory, in n² floats", ""),
        ("edlae_seconds", "EDLAE from likes to the map, median", "s"),
        ("irspack_seconds", "EDLAE by irspack, median", "s"),
        ("edlae_ratio", "ratio, median of rounds", ""),
    ):
        figures = [size[key] for size in result["sizes"]]
        table.add_row(what, *("-" if one is None else f"{one:.3f} {unit}".rstrip() for one in figures))
    console.print(table)


if __name__ == "__main__":
    out = Console()
    show(run(lambda what, done: out.print(f"[dim]{what}[/dim]")), out)
