"""Bring your own vectors of titles: of images, sound, video, texts, whatever a model of yours makes.

    python examples/title_vectors.py

Writes a small Parquet file as an image model might, reads it back beside a catalogue, and lets it speak for a title
that nobody has watched.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from matinee.data.sources.vectors import read_vectors
from matinee.decision import Requests
from matinee.history import Histories
from matinee.models.content.features import title_features
from matinee.models.content.taste import Content
from matinee.testing.worlds import make_catalog, make_data, make_events


def main() -> None:
    catalog = make_catalog(9)  # titles t0 to t8 of which nothing is known but a name
    warm, cold = [1.0, 0.2, 0.0], [0.0, 0.1, 1.0]  # what an image model saw: warm and cold colours
    rows = {
        "item_id": [*catalog.item_ids[:8], "unheard-of"],
        "poster": [warm if i % 2 == 0 else cold for i in range(8)] + [warm],
    }
    with TemporaryDirectory() as folder:
        path = Path(folder, "vectors.parquet")
        pl.DataFrame(rows).write_parquet(path)
        vectors = read_vectors(path, catalog)
    catalog = catalog.with_vectors(vectors.arrays)
    print(f"{vectors.unknown} unknown title, {vectors.missing['poster']} title without a poster")
    print(f"features: {title_features(catalog).shape}")

    members = [[0, 2, 4] if k % 2 == 0 else [1, 3, 5] for k in range(20)]  # nobody watched t6, t7 and t8
    data = make_data(make_events(members), catalog)
    scorer = Content().fit(data, np.random.default_rng(0))
    scores = scorer.score(Requests.of_histories(Histories.of_items([[0]])))[0]
    best = max((6, 7, 8), key=lambda item: scores[item])
    print(f"after t0, of the titles that nobody watched, the best is {catalog.item_ids[best]}")


if __name__ == "__main__":
    main()
