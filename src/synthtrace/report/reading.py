"""Files that the page reads, with an error that names the one that is missing or unreadable."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrace.errors import InputError


def _missing(path: Path) -> InputError:
    return InputError(f"{path}: no such file; the stage that writes it has not run")


def read_json(path: Path) -> Any:
    """A JSON file; raises InputError naming it when it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _missing(path) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid JSON ({error})") from None


def read_csv(path: Path, columns: list[str]) -> pd.DataFrame:
    """A CSV table with at least these columns and one row; raises InputError naming the file, and the column it lacks."""
    try:
        table = pd.read_csv(path)
    except FileNotFoundError:
        raise _missing(path) from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"{path}: missing column {missing[0]!r}; it has {', '.join(table.columns)}")
    if table.empty:
        raise InputError(f"{path}: expected rows, found none")
    return table


def read_array(path: Path) -> np.ndarray:
    """A NumPy array file; raises InputError naming it when it is missing or no such file."""
    try:
        return np.load(path)
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: not a readable NumPy array ({error})") from None
