"""The factorization machine and what all match networks share: examples, loss, context, content, reasons."""

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")

from matinee.decision import Context, Requests
from matinee.errors import BadRequest
from matinee.history import Histories
from matinee.models.deep.fitting import Training
from matinee.models.deep.tokens import Reading, tokens_of
from matinee.models.factorization_machine import FactorizationMachine, FactorizationMachineConfig
from matinee.testing import check_scorer, make_catalog, make_data, make_events

QUICK = Training(epochs=60, batch=16, rate=3e-2)


def small(**settings):
    return FactorizationMachine(FactorizationMachineConfig(size=4, training=QUICK, **settings))


def test_keeps_the_contract():
    check_scorer(small)
