"""What metrics/fidelity.json has rows of, and what a row says besides its metrics."""

from synthtrace.params import Params

HEAD = ("kind", "fold", "label", "label_name", "part", "selection", "mixing_rate", "images", "reference")


def selections(params: Params) -> list[str]:
    """The study's selection, then those of the curve."""
    return list(dict.fromkeys([params.selection.method, *(one for run in params.curve.runs for one in run.selections)]))


def rates(params: Params) -> list[float]:
    """Mixing rates of the curve, in order; `mixing_rate` has no part, so that another one computes no distances again."""
    return sorted({float(rate) for run in params.curve.runs for rate in params.curve.rates_of(run)})
