"""Tables 1 and 2 of paper 2: distance to the training images and variety, draw by draw, from metrics/fidelity.json."""

from typing import Any

from synthtrace.fidelity.similarity import MS_SSIM
from synthtrace.report.formats import compact

HEAD = ["kind", "part", "images", "reference", "available", "untouched"]


def fidelity(found: dict[str, Any]) -> list[dict[str, Any]]:
    """A table a metric: number, title, note, sets, rows of {head, values by set, mean, deviation, untouched}."""
    metrics = dict.fromkeys(name for row in found["pools"] for name in row if name not in HEAD)
    return [
        {
            "number": "2" if metric == MS_SSIM else "1",
            "metric": metric,
            "words": _words(metric, found),
            "sets": list(range(1, found["draws"] + 1)),
            "rows": [_row(row, row.get(metric), found["draws"]) for row in found["pools"]],
        }
        for metric in metrics
    ]


def _words(metric: str, found: dict[str, Any]) -> str:
    if metric == MS_SSIM:
        scales = found["ms_ssim"]["scales"]
        return (
            f"Multi-scale structural similarity of pairs of images, in {scales} of five scales. Lower is more varied; images "
            "of one patient or source are not compared."
        )
    distance = "Fr\N{LATIN SMALL LETTER E WITH ACUTE}chet distance to the training images in"
    if metric == "fid":
        return f"{distance} Inception's features, antialiased. Lower is nearer."
    return f"{distance} features of the study's own {found['extractor']['name']}. Lower is nearer. It is not FID."


def _row(row: dict[str, Any], found: dict[str, Any] | None, draws: int) -> dict[str, Any]:
    found = found or {"mean": None, "deviation": None, "values": []}
    values = [compact(value) for value in found["values"]]
    untouched = row["untouched"]
    return {
        "name": row["kind"],
        "part": row["part"],
        "images": f"{row['images']} of {row['available']}",
        "values": values + ["n/a"] * (draws - len(values)),
        "mean": compact(found["mean"]) + (f" ± {compact(found['deviation'])}" if found["deviation"] is not None else ""),
        "untouched": "" if untouched is None else f"{100 * untouched:.0f}%",
    }
