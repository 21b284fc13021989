"""RecTools' SASRec on given histories; runs in an environment of its own, see `bench_transformer.py`.

    python rectools_peer.py HISTORIES LENGTH BATCH THREADS

Prints one line of JSON: peer_seconds_an_epoch, peer_seconds_a_step, peer_version. The first of three epochs warms up.
"""

import json
import sys
from time import perf_counter
from typing import ClassVar

import numpy as np
import pandas as pd
import rectools
import torch
from pytorch_lightning import Callback, Trainer
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel

EPOCHS = 3


class Clock(Callback):
    """Remembers when epochs end and how many steps there were, for all its copies: RecTools fits with a copy."""

    ends: ClassVar[list[float]] = []
    steps: ClassVar[list[float]] = []

    def on_train_batch_end(self, *_):
        """Note the step."""
        self.steps.append(perf_counter())

    def on_train_epoch_end(self, *_):
        """Note the time."""
        self.ends.append(perf_counter())


def main(path, length, batch, threads):
    torch.set_num_threads(threads)
    held = np.load(path)
    lengths = held["lengths"]
    start = np.datetime64("2020-01-01", "s")
    frame = pd.DataFrame(
        {
            Columns.User: np.repeat(np.arange(len(lengths)), lengths),
            Columns.Item: held["items"],
            Columns.Weight: 1.0,
            Columns.Datetime: start + np.concatenate([np.arange(n) for n in lengths]).astype("timedelta64[s]"),
        }
    )
    clock = Clock()
    model = SASRecModel(
        n_factors=64,
        n_blocks=2,
        n_heads=1,
        dropout_rate=0.1,
        session_max_len=length,
        batch_size=batch,
        loss="softmax",
        lr=1e-3,
        epochs=EPOCHS,
        verbose=0,
        get_trainer_func=lambda **_: Trainer(
            max_epochs=EPOCHS,
            callbacks=[clock],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            accelerator="cpu",
        ),
    )
    model.fit(Dataset.construct(frame))
    epoch = (clock.ends[-1] - clock.ends[0]) / (EPOCHS - 1)
    found = {"peer_seconds_an_epoch": epoch, "peer_seconds_a_step": epoch / (len(clock.steps) / EPOCHS)}
    print(json.dumps({**found, "peer_version": rectools.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
