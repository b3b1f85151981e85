"""Places spread evenly over rows, so that a few of them tell of all."""

import numpy as np


def evenly_spaced(rows: int, most: int) -> np.ndarray:
    """int64: `most` places from the first of the rows to the last, or all of them where there are no more."""
    return np.linspace(0, rows - 1, min(most, rows)).round().astype(int)
