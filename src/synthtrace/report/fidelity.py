"""How near the pools come to held-out images (paper 0, Figure 4), from metrics/fidelity.json."""

from typing import Any

from synthtrace.fidelity.parts import HEAD
from synthtrace.params import NO_SELECTION, REAL
from synthtrace.report.bars import Bar, bar_plot
from synthtrace.report.formats import bounds, compact, compact_interval, finite, with_interval

FLOOR = "real training images"
DRAWN = "drawn"


def metrics(found: dict[str, Any]) -> list[dict[str, str]]:
    """The metrics of the file in its order, each with its name and what it is, in words."""
    rows = found["kinds"] or found["pools"]
    names = dict.fromkeys(name for row in rows for name, value in row.items() if name not in HEAD and isinstance(value, dict))
    return [{"name": name, "words": _words(name, found["extractor"]["name"])} for name in names]


def _words(name: str, extractor: str) -> str:
    known = {
        "fid": "Fr\N{LATIN SMALL LETTER E WITH ACUTE}chet distance in Inception's features; lower is nearer",
        "kid": "kernel distance in Inception's features, unbiased and so at times below zero; lower is nearer",
        "inception_score": "how sure and how varied Inception's labels are, without any real image; higher is better",
        "ms_ssim": "multi-scale structural similarity of pairs of images of a class: lower is more varied",
        "lpips": "distance of pairs of images of a class in VGG16's features: higher is more varied",
    }
    if name in known:
        return known[name]
    where = "in Inception's features" if name.endswith("_inception") else f"in features of the study's own {extractor}"
    shares = {
        "precision": "share of a pool's images within the manifold of held-out images (improved precision)",
        "recall": "share of held-out images within the manifold of a pool's (improved recall): 0 after mode collapse",
        "f1": "harmonic mean of improved precision and recall",
    }
    if name.split("_")[0] in shares:
        return f"{shares[name.split('_')[0]]}, {where}; higher is better"
    if name.startswith("kd_"):
        return f"kernel distance {where}, unbiased and so at times below zero; lower is nearer. It is not KID"
    return f"Fr\N{LATIN SMALL LETTER E WITH ACUTE}chet distance {where}; lower is nearer. It is not FID"


def fidelity(found: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Plots (one a metric), tables and the extractor for the template; `names` are scenarios in the order of their colours."""
    styles = {name: style for style, name in enumerate(dict.fromkeys([*names, *(row["kind"] for row in found["kinds"])]))}
    listed = metrics(found)
    return {
        "suffix": found["extractor"]["metric_suffix"],
        "inception": found.get("inception"),
        "plots": [{**metric, "plot": _plot(found["kinds"], styles, metric["name"])} for metric in listed],
        "metrics": [metric["name"] for metric in listed],
        "pools": [
            {"kind": row["kind"], "part": _part(row), "fold": row["fold"], "class": _class(row)}
            | {"images": row["images"], "reference": row["reference"]}
            | {"values": [_text(row.get(metric["name"])) for metric in listed]}
            for row in found["pools"]
        ],
    }


def _plot(rows: list[dict[str, Any]], styles: dict[str, int], metric: str) -> dict[str, Any]:
    """A group a class, all classes first; in it the floor, then each kind raw and kept; what is drawn stands in the table."""
    rows = [row for row in rows if row["part"] != DRAWN]
    classes = sorted({(-1 if row["label"] is None else int(row["label"]), _class(row)) for row in rows})
    groups = []
    for _, name in classes:
        own = sorted((row for row in rows if _class(row) == name), key=lambda row: (row["kind"] != REAL, styles[row["kind"]]))
        groups.append((name, [_bar(row, styles, row.get(metric) or {}) for row in own]))
    return bar_plot(groups)


def _bar(row: dict[str, Any], styles: dict[str, int], value: dict[str, Any]) -> Bar:
    name = FLOOR if row["kind"] == REAL else f"{row['kind']}, {_part(row)}"
    return Bar(name, styles[row["kind"]], row["part"] == "raw", _text(value), _value(value), bounds(value.get("ci95")))


def _part(row: dict[str, Any]) -> str:
    """Raw, kept, or drawn at a mixing rate, with the selection."""
    part = f"drawn at r = {row['mixing_rate']:g}" if row["part"] == DRAWN else str(row["part"])
    if row.get("selection") in (None, NO_SELECTION):
        return part
    return f"{part}, {row['selection']}" if row["part"] == DRAWN else f"{part} by {row['selection']}"


def _class(row: dict[str, Any]) -> str:
    return "all classes" if row["label"] is None else str(row["label_name"])


def _value(block: dict[str, Any]) -> float | None:
    """A pool's `value`, or the `mean` over folds."""
    return finite(block.get("mean", block.get("value")))


def _text(block: dict[str, Any] | None) -> str:
    block = block or {}
    return with_interval(compact(_value(block)), compact_interval(block.get("ci95")))
