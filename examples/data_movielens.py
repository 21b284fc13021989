"""MovieLens as catalogue, profiles and events, cut as of a time. Run: python examples/data_movielens.py [FOLDER]"""

import sys
from pathlib import Path

from matinee.data.histories import histories_of, training_data
from matinee.data.sources import movielens
from matinee.data.splits.split import global_time


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else movielens.fetch_100k(Path("var/data"), print)
    dataset = movielens.read(path)
    print(dataset.describe())

    split = global_time(dataset.events, dataset.catalog, share=0.1)
    data = training_data(split.train_events, dataset.catalog, as_of=int(split.as_of[0]))
    print(f"\nbefore the cut: {data.events.height:,} events of {len(data.user_ids):,} members")
    print(f"after it: {len(split):,} members like something new, {split.warm.sum():,} of them known before")

    member = int(split.warm.argmax())
    history = histories_of(split.train_events, [split.user_ids[member]], dataset.catalog, split.as_of[member])
    names = dataset.catalog.names
    print(f"\nmember {split.user_ids[member]} liked last: {[names[i] for i in history.tastes.items[-5:]]}")
    print(f"and then: {[names[i] for i in split.targets[member][:5]]}")


if __name__ == "__main__":
    main()
