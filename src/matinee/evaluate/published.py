"""What others published under the same protocols, to stand beside what is measured here.

Only numbers read at the source, or measured with other code than this; numbers from memory are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MEMBERS = {  # how many members a data set has, before and after the filters of its protocol
    6_040: "MovieLens 1M",
    138_493: "MovieLens 20M",
    136_677: "MovieLens 20M",
    480_189: "Netflix",
    463_435: "Netflix",
    1_019_318: "MSD",
    571_355: "MSD",
}


@dataclass(frozen=True, slots=True)
class Published:
    """A model's figures, metric key -> value, and where they stand."""

    model: str
    figures: Mapping[str, float]
    source: str


def _rows(keys: tuple[str, ...], *rows: tuple[str, tuple[float, ...], str]) -> tuple[Published, ...]:
    return tuple(Published(model, dict(zip(keys, figures, strict=True)), source) for model, figures, source in rows)


_RENDLE = "google-research, ials README"
_MEASURED = "measured with other code"
ML1M_NCF = _rows(
    ("hit_rate@10", "ndcg@10"),
    ("popularity", (0.4538, 0.2543), _MEASURED),
    ("EASE, l2 1,000", (0.7182, 0.4511), _MEASURED),
    ("EDLAE, dropout .33, l2 500", (0.7174, 0.4512), _MEASURED),
    ("iALS, d 64", (0.722, 0.445), _RENDLE),
    ("iALS, d 192", (0.7288, 0.4531), f"{_MEASURED}, irspack"),
)

_ANTKLEN = "antklen/sasrec-bert4rec-recsys23"
_GSASREC = "asash/gSASRec"
_ESASREC = "eSASRec repository"
_RECTOOLS = "RecTools, stable sort"
ML1M_NEXT_ITEM = _rows(
    ("hit_rate@10", "ndcg@10"),
    ("popularity", (0.0369, 0.0180), _MEASURED),
    ("EASE, l2 500", (0.1084, 0.0535), _MEASURED),
    ("iALS, d 192", (0.1013, 0.0503), _MEASURED),
    ("first-order Markov", (0.2073, 0.1224), _MEASURED),
    ("EASE, half-life 5", (0.2258, 0.1246), _MEASURED),
    ("SASRec, one negative", (0.2500, 0.1341), _ANTKLEN),
    ("BERT4Rec", (0.2843, 0.1537), _ANTKLEN),
    ("gSASRec", (0.3003, 0.1726), _GSASREC),
    ("SASRec+, full softmax", (0.3152, 0.1821), _ANTKLEN),
    ("SASRec+, 3,000 negatives", (0.3159, 0.1857), _ANTKLEN),
    ("eSASRec", (0.3133, 0.1772), _ESASREC),
    ("FuXi-α", (0.3164, 0.1813), _ESASREC),
    ("HSTU", (0.3226, 0.1880), _RECTOOLS),
    ("HSTU, large", (0.3642, 0.2164), _RECTOOLS),
)

_SANSA = "glami/sansa, reproduce_our_results"
_VASP = "Vančura and Kordík 2021 (arXiv 2102.05774)"
_KEYS = ("capped_recall@20", "capped_recall@50", "ndcg@100")
STRONG_TABLES: Mapping[str, tuple[Published, ...]] = {
    "MovieLens 1M": _rows(
        _KEYS,
        ("popularity", (0.1919, 0.2277, 0.2249), _MEASURED),
        ("SLIM", (0.3978, 0.4713, 0.4633), f"{_MEASURED}, irspack"),
        ("EASE, l2 700", (0.4102, 0.4877, 0.4733), _MEASURED),
        ("EDLAE", (0.4108, 0.4910, 0.4773), _MEASURED),
        ("iALS, d 128", (0.4090, 0.4896, 0.4745), _MEASURED),
        ("iALS, d 512", (0.4108, 0.4969, 0.4784), _MEASURED),
    ),
    "MovieLens 20M": _rows(
        _KEYS,
        ("Mult-DAE", (0.387, 0.524, 0.419), _VASP),
        ("Mult-VAE", (0.395, 0.537, 0.426), _VASP),
        ("EASE", (0.3920, 0.5206, 0.4221), _SANSA),
        ("MRF, sparse", (0.3904, 0.5165, 0.4198), _SANSA),
        ("SANSA, density 1 %", (0.3884, 0.5177, 0.4195), _SANSA),
        ("RecVAE", (0.414, 0.553, 0.442), _VASP),
        ("H+Vamp, gated", (0.413, 0.551, 0.445), _VASP),
        ("VASP", (0.414, 0.552, 0.448), _VASP),
    ),
    "Netflix": _rows(
        _KEYS,
        ("Mult-DAE", (0.344, 0.438, 0.380), _VASP),
        ("Mult-VAE", (0.351, 0.444, 0.386), _VASP),
        ("EASE", (0.3622, 0.4438, 0.3925), _SANSA),
        ("MRF, sparse", (0.3618, 0.4428, 0.3925), _SANSA),
        ("SANSA, density 1 %", (0.3558, 0.4377, 0.3859), _SANSA),
        ("RecVAE", (0.361, 0.452, 0.394), _VASP),
        ("H+Vamp, gated", (0.376, 0.463, 0.409), _VASP),
        ("VASP", (0.372, 0.457, 0.406), _VASP),
    ),
    "MSD": _rows(
        _KEYS,
        ("EASE", (0.3324, 0.4279, 0.3883), _SANSA),
        ("MRF, sparse", (0.3330, 0.4281, 0.3899), _SANSA),
        ("SANSA, density 1 %", (0.3319, 0.4275, 0.3882), _SANSA),
    ),
}
