"""Your own CSV as a data set: columns recognised, bad rows counted. Run: python examples/data_tabular.py"""

import tempfile
from pathlib import Path

from matinee.data.sources import tabular

INTERACTIONS = """USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE
ann,heat,1700000000,rating,5
ann,babe,1700000100,rating,3.5
bob,heat,1700000200,click,
bob,heat,1700000300,rating,eleven
bob,ghost,1700000400,rating,4
"""
TITLES = """ITEM_ID,TITLE,GENRES,CREATION_TIMESTAMP,CONTENT_RATING
heat,Heat,Crime|Drama,1995,R
babe,Babe,Children|Comedy,1995,TV-G
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        interactions, titles = Path(folder, "interactions.csv"), Path(folder, "titles.csv")
        interactions.write_text(INTERACTIONS)
        titles.write_text(TITLES)
        dataset = tabular.read(interactions, titles, best=5)  # three ratings alone do not tell
    print(dataset.describe())
    print(dataset.events.select("user_id", "item_id", "kind", "value"))
    print(dataset.catalog.titles.select("item_id", "title", "genres", "maturity"))

    # columns of other names are mapped, ours first: tabular.read(path, columns={"user_id": "uid", "item_id": "film"})


if __name__ == "__main__":
    main()
