"""Tables of pairs, image and mask: the ledger of a pool of pairs, which is a pool's ledger and says more."""

from pathlib import Path

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.tables import LEDGER, read_ledger

# cluster: of the generator's training images; empty where one generator learnt from all
OF_PAIRS = ["mask_path", "mask_hash", "mask_sha256", "cluster"]
PAIR_LEDGER = [*LEDGER, *OF_PAIRS]


def read_pair_ledger(pool: Path) -> pd.DataFrame:
    """`ledger.parquet` of a pool of pairs: one row a pair, in bijection with `images/` and with `masks/`."""
    ledger = read_ledger(pool)
    missing = [name for name in OF_PAIRS if name not in ledger.columns]
    if missing:
        raise InputError(
            f"{Path(pool) / 'ledger.parquet'}: missing column {missing[0]!r}, which a pool of pairs has; it has "
            f"{', '.join(ledger.columns)}"
        )
    return ledger


def write_pair_ledger(pool: Path, ledger: pd.DataFrame) -> None:
    """Write the ledger of a pool of pairs, the contract's columns (PAIR_LEDGER) first; further ones ride behind."""
    riding = [name for name in ledger.columns if name not in PAIR_LEDGER]
    ledger[PAIR_LEDGER + riding].to_parquet(Path(pool) / "ledger.parquet", index=False)
