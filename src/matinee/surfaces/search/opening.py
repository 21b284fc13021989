"""The page before anything is typed: what the member is likely to look for, and what everybody looks at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import RowName, row_name
from matinee.decision.rows import UNDATED, chart_key
from matinee.events import DAY
from matinee.lookup.topics import places
from matinee.page import RowKind
from matinee.surfaces.charts import Chart, Charts
from matinee.surfaces.search.intents import Asked, SearchConfig
from matinee.surfaces.search.shelves import Shelf, distinct, shelf_of


def before_typing(
    asked: Asked, charts: Charts, catalog: Catalog, country: str | None, time: int, config: SearchConfig
) -> list[Shelf]:
    """For you, trending and popular, as the home page means them."""
    return distinct(_rows(asked, charts, catalog, country if country in charts.popular else None, time, config))


def _rows(
    asked: Asked, charts: Charts, catalog: Catalog, country: str | None, time: int, config: SearchConfig
) -> Iterator[Shelf]:
    picks = places(np.where(asked.allowed & asked.welcome, asked.worth, 0.0), config.most)
    yield shelf_of(RowName(RowKind.TOP_PICKS), 1.0, picks, np.log(asked.worth[picks]), config.most)
    dated = time - charts.as_of <= DAY
    if dated:
        name = row_name(RowKind.TRENDING, chart_key(charts.window, None), catalog)
        yield _charted(asked, name, 0.9, charts.trending, config)
    name = row_name(RowKind.POPULAR, chart_key(charts.window if dated else UNDATED, country), catalog)
    yield _charted(asked, name, 0.8, charts.popular[country], config)


def _charted(asked: Asked, name: RowName, promise: float, chart: Chart, config: SearchConfig) -> Shelf:
    shown = asked.allowed[chart.items] & asked.welcome[chart.items]
    return shelf_of(name, promise, chart.items[shown], np.log(chart.values[shown]), config.most)
