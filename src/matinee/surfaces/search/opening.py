"""The page before anything is typed: what the member is likely to look for, what everybody looks at; or what passes a
filter, to be browsed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matinee.catalog import Catalog
from matinee.decision import RowName, row_name
from matinee.decision.rows import UNDATED, chart_key
from matinee.events import DAY
from matinee.page import RowKind
from matinee.surfaces.charts import Chart, Charts
from matinee.surfaces.search.intents import Asked, SearchConfig
from matinee.surfaces.search.shelves import Shelf, distinct


def before_typing(
    asked: Asked, charts: Charts, catalog: Catalog, country: str | None, time: int, config: SearchConfig
) -> list[Shelf]:
    """For you, trending and popular, as the home page means them."""
    return distinct(_rows(asked, charts, catalog, country if country in charts.popular else None, time, config))


def browsed(asked: Asked) -> list[Shelf]:
    """All that may be shown and was not turned down, the likeliest to please first."""
    items = np.flatnonzero(asked.allowed & asked.welcome).astype(np.int32)
    return distinct([asked.shelf(RowName(RowKind.PASSING), 1.0, items, np.log(asked.worth[items]), len(items))])


def _rows(
    asked: Asked, charts: Charts, catalog: Catalog, country: str | None, time: int, config: SearchConfig
) -> Iterator[Shelf]:
    picks = asked.best(np.where(asked.allowed & asked.fresh, asked.worth, 0.0), config.most)
    yield asked.shelf(RowName(RowKind.TOP_PICKS), 1.0, picks, np.log(asked.worth[picks]), config.most)
    dated = time - charts.as_of <= DAY
    if dated:
        name = row_name(RowKind.TRENDING, chart_key(charts.window, None), catalog)
        yield _charted(asked, name, 0.9, charts.trending, config)
    name = row_name(RowKind.POPULAR, chart_key(charts.window if dated else UNDATED, country), catalog)
    yield _charted(asked, name, 0.8, charts.popular[country], config)


def _charted(asked: Asked, name: RowName, promise: float, chart: Chart, config: SearchConfig) -> Shelf:
    shown = asked.allowed[chart.items] & asked.fresh[chart.items]
    return asked.shelf(name, promise, chart.items[shown], np.log(chart.values[shown]), config.most)
