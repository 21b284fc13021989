"""A home page as a decision: what is shown, how likely, and why. Run: python examples/home_page.py [MEMBER]"""

import sys
from pathlib import Path

import numpy as np

from matinee.data.histories import histories_of, training_data
from matinee.data.sources import movielens
from matinee.decision import Requests
from matinee.decision.evidence import row_title, title_reasons
from matinee.models.linear_autoencoder import Ease, EaseConfig
from matinee.page import Layout
from matinee.surfaces.charts import charts
from matinee.surfaces.home import HomeConfig, HomePolicy
from matinee.train import train


def main() -> None:
    member = sys.argv[1] if len(sys.argv) > 1 else "25"
    rng = np.random.default_rng(0)
    dataset = movielens.read(movielens.fetch_100k(Path("var/data"), print))
    catalog, now = dataset.catalog, int(dataset.events["timestamp"].dt.epoch("us").max()) + 1

    data = training_data(dataset.events, catalog, as_of=now)
    trained = train(data, Ease(EaseConfig(half_life=5.0)), rng)
    drawn = charts(data.events, catalog, now)
    config = HomeConfig(exploration=0.1)
    policy = HomePolicy("home", "example", catalog, trained.scorer, trained.calibration, drawn, config)

    history = histories_of(dataset.events, [member], catalog, now)
    requests = Requests.of_histories(history, now, layout=Layout(rows=6, columns=4, visible=4))
    decisions = policy.decide(requests, rng)
    page = decisions.page()

    for r in np.flatnonzero(page.rows[0] >= 0):
        title = row_title(page.name(0, r), catalog)
        print(f"\n{title}   [P(row | rows above) = {np.exp(page.row_log_probs[0, r]):.3f}]")
        for c, reason in enumerate(title_reasons(page, 0, r, catalog)):
            chance = np.exp(page.item_log_probs[0, r, c])
            name = catalog.names[page.items[0, r, c]]
            print(f"   {name:40.40} P = {chance:.3f}   {reason}")
    logged, again = decisions.log_probs[0], policy.log_prob(decisions).sum()
    print(f"\nlog P(this page) = {logged:.6f}, recomputed from the page alone {again:.6f}")


if __name__ == "__main__":
    main()
