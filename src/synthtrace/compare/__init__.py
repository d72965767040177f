"""The study's answer: each scenario's AUC with its uncertainty, and its difference to real images alone."""

from synthtrace.compare.curve import curve_from_predictions
from synthtrace.compare.summary import Comparison, from_predictions

__all__ = ["Comparison", "curve_from_predictions", "from_predictions"]
