"""Which candidates of a pool of pairs are kept: a pure function of the columns that `pairs.score_pairs` gives every one."""

import numpy as np
import pandas as pd

from synthtrace.params.masks import Masks


def kept(table: pd.DataFrame, legal: Masks) -> np.ndarray:
    """(N,) bool: the rows that are no copy and whose mask is not empty, is legal, and is like some real training mask.

    An empty mask is never kept, not even where real ones may be empty: a generated pair is to show a lesion.
    """
    dropped = table[["copy", "empty", "mask_unlike"]].to_numpy(dtype=bool).any(axis=1)
    return ~dropped & np.array([legal.allows(area) for area in table["mask_area"]], dtype=bool)
