"""Numbers of two computations: the same to a stated tolerance, because where memory lies moves the last bit."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

RELATIVE, ABSOLUTE = 1e-5, 1e-6  # float32 keeps seven digits, and a sum of hundreds in another order loses one or two


def assert_same(one: ArrayLike, other: ArrayLike, message: str = "") -> None:
    """Two calls, a batch and its rows, a scorer and what was loaded of it gave the same numbers."""
    np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=RELATIVE, atol=ABSOLUTE, err_msg=message)
