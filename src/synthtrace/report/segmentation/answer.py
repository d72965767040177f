"""The answer in sentences, as strong as their intervals allow and no stronger."""

from typing import Any

from synthtrace.report.answer import change, judge
from synthtrace.report.formats import number

IOU = "iou"


def _recipes(summary: dict[str, Any], table: str, design: str) -> list[dict[str, Any]]:
    """The recipes of a table that were trained, of one design; none where the study has no such table."""
    names = summary["tables"].get(table, [])
    return [one for name in names if (one := summary["recipes"].get(name)) and one["design"] == design]


def _headline_table(summary: dict[str, Any]) -> str:
    """Table 5, with standard augmentation, as most would train; Table 4 where there is no other."""
    return "5" if "5" in summary["tables"] else "4"


def _versus(recipe: dict[str, Any]) -> dict[str, Any]:
    return recipe["versus_real"][IOU]


def headline(summary: dict[str, Any], unit: str, units: str) -> str:
    """What real pairs alone reach."""
    (real,) = _recipes(summary, _headline_table(summary), "full")
    how = "with standard augmentation" if real["control"] else "without augmentation"
    of = f"{summary['groups']} {units}" if summary["groups"] > 1 else f"one {unit}"
    return (
        f"Trained on all real pairs {how}, the network reaches an IoU of {number(real[IOU]['mean'])} on {summary['images']} "
        f"test images of {of}."
    )


def added(summary: dict[str, Any], unit: str) -> str:
    """A sentence on what adding synthetic pairs to all real ones did, of every kind that was trained: none is picked."""
    own = _recipes(summary, _headline_table(summary), "augment")
    clauses = [f"adding {one['kind']} pairs changed it by {change(_versus(one), unit)}" for one in own]
    return f"A{'; '.join(clauses)[1:]}." if clauses else ""


def alone(summary: dict[str, Any], unit: str) -> list[str]:
    """What synthetic pairs in place of the real ones did, at the largest multiple of each kind."""
    most: dict[str, dict[str, Any]] = {}
    for one in _recipes(summary, "3", "synthetic"):
        if one["kind"] not in most or one["multiple"] > most[one["kind"]]["multiple"]:
            most[one["kind"]] = one
    return [f"{kind} ({one['multiple']} for each real pair) {change(_versus(one), unit)}" for kind, one in most.items()]


def small_sets(summary: dict[str, Any]) -> dict[str, int] | None:
    """How many mixes of small sets, by generators that saw the set alone, helped, hurt or did neither; None without any."""
    own = [one for one in _recipes(summary, "6", "small") if one["versus_real"] and not one["saw_all"]]
    if not own:
        return None
    counts = dict.fromkeys(("helped", "hurt", "unclear", "unknown"), 0)
    for one in own:
        counts[judge(_versus(one))] += 1
    return {"all": len(own)} | counts


def verdicts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and verdict, of pairs that were added to all real ones."""
    return [(one["kind"], judge(_versus(one))) for one in _recipes(summary, _headline_table(summary), "augment")]
