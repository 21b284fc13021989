"""Lists that people saw and what they liked, joined to their places. Run: python examples/data_ranklens.py [FOLDER]

FOLDER holds RankLens (github.com/metarank/ranklens, CC BY-SA 4.0). Without it, one list of three films is made up.
"""

import json
import sys
import tempfile
from pathlib import Path

from matinee.data.sources import ranklens

FILMS = ("Heat", "Babe", "Alien")
TITLES = [
    {
        "event": "item",
        "item": name,
        "fields": [{"name": "title", "value": name}, {"name": "genres", "value": ["drama"]}],
    }
    for name in FILMS
]
SHOWN = {"event": "ranking", "id": "list-1", "user": "ann", "timestamp": 1_000, "items": [{"id": n} for n in FILMS]}
LIKED = {"event": "interaction", "type": "click", "id": "like-1", "ranking": "list-1"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        lines = [*TITLES, SHOWN, {**LIKED, "user": "ann", "item": "Alien", "timestamp": 2_000}]
        Path(folder, "events.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
        dataset = ranklens.read(Path(sys.argv[1] if len(sys.argv) > 1 else folder))
    print(dataset.describe())

    shown = dataset.events.filter(kind="impression").group_by("column").len("shown")
    liked = dataset.events.filter(kind="thumbs_up").group_by("column").len("liked")
    by_place = shown.join(liked, on="column", how="left").fill_null(0).sort("column")
    print("\nliked by place in the list:")
    for column, seen, likes in by_place.iter_rows():
        print(f"  {column + 1:>2}  {likes / seen:6.1%} of {seen:,}")


if __name__ == "__main__":
    main()
