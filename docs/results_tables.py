"""The generated tables of a preset's section in docs/results.md, each from one file of its evidence."""

import json
from pathlib import Path
from typing import Any

from results_cells import MISSING, difference, figure, interval, mean_sd, number, p_value, table
from results_paper import beside_curve

Evidence = dict[str, Any]


def size(summary: Evidence) -> str:
    """What was tested, how often it was trained, and how much was mixed in."""
    return (
        f"{summary['patients']} patients, {summary['images']} images, {summary['seeds']} seeds, mixing rate "
        f"{summary['mixing_rate']}"
    )


def scenarios(summary: Evidence) -> list[str]:
    """AUC of each scenario, its difference to real, and what else stands beside a classifier."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        versus = scenario.get("versus_real")
        rows.append(
            [
                name,
                f"{number(scenario['auc_image']['mean'])} ± {number(scenario['auc_image']['sd'])}",
                interval(scenario["auc_image"]["ci95"]),
                f"{number(scenario['auc_patient']['mean'])} ± {number(scenario['auc_patient']['sd'])}",
                interval(scenario["auc_patient"]["ci95"]),
                number(versus["difference"], sign=True) if versus else "",
                interval(versus["ci95"], sign=True) if versus else "",
                f"{number(versus['t'], 2)}, {p_value(versus['p'])}" if versus else "",
            ]
        )
    heads = [
        "scenario",
        "AUC, images: mean ± sd over seeds",
        "95% interval",
        "AUC, patients: mean ± sd",
        "95% interval",
        "versus real, images",
        "95% interval",
        "t, p over seeds",
    ]
    return [
        *table(heads, rows),
        "Intervals are patient-level bootstraps; the one of the difference is paired and carries the claim. t and p are the "
        "paired test over seeds, which are not independent patients.",
        "",
    ]


def other_tests(summary: Evidence) -> list[str]:
    """DeLong, Nadeau-Bengio and Holm of the difference to real; nothing of evidence from before they were computed."""
    rows = []
    for name, scenario in summary["scenarios"].items():
        patients = scenario.get("versus_real_patient", {})
        if "delong" not in patients:
            continue
        delong, resplit = patients["delong"], patients["nadeau_bengio"]
        over_splits = f"{number(resplit['t'], 2)}, {p_value(resplit['p'])} ({p_value(resplit['p_holm'])})" if resplit else ""
        rows.append(
            [
                name,
                difference(patients),
                f"{number(delong['z'], 2)}, {p_value(delong['p'])} ({p_value(delong['p_holm'])})",
                over_splits or "one split",
                p_value(scenario["versus_real"]["p_holm"]),
                p_value(patients["p_holm"]),
            ]
        )
    if not rows:
        return []
    heads = [
        "scenario",
        "versus real, patients [95% interval]",
        "DeLong z, p (Holm)",
        "Nadeau-Bengio t, p (Holm)",
        "seeds, images: Holm p",
        "seeds, patients: Holm p",
    ]
    return [
        *table(heads, rows),
        "DeLong compares patient means of these very trainings; Nadeau-Bengio asks over repeated splits and needs more than "
        "one; Holm corrects for the number of scenarios.",
        "",
    ]


def baselines(summary: Evidence) -> list[str]:
    """Columns of the manifest as classifiers."""
    rows = [
        [
            column,
            f"{number(entry['auc_image']['mean'])} [{interval(entry['auc_image']['ci95'])}]",
            f"{number(entry['auc_patient']['mean'])} [{interval(entry['auc_patient']['ci95'])}]",
            difference(entry["versus_real"]),
            difference(entry["versus_real_patient"]),
        ]
        for column, entry in summary.get("baselines", {}).items()
    ]
    heads = ["baseline, no network", "AUC, images [95% interval]", "AUC, patients", "baseline - real, images", "and patients"]
    return table(heads, rows) if rows else []


def curve(metrics: Path) -> list[str]:
    """AUC against mixing rate, one table a run."""
    if not (metrics / "curve.json").exists():
        return []
    lines = []
    for run in json.loads((metrics / "curve.json").read_text())["runs"]:
        rows = []
        several = len(run.get("selections", [])) * len(run.get("modes", [])) > 1
        for point in run["points"]:
            versus = point.get("versus_real")
            name = f"{point['scenario']}, {point['selection']}, {point['mode']}" if several and versus else point["scenario"]
            if "unfilled" in point:
                lacking = point["unfilled"]
                told = MISSING + ": {kept} of {candidates} {label_name} kept, {needed} needed".format(**lacking)
                ways = f"{point['scenario']}, {point['selection']}, {point['mode']}"
                rows.append([ways, f"{point['mixing_rate']:g}", told, *[""] * 6])
                continue
            rows.append(
                [
                    name,
                    f"{point['mixing_rate']:g}",
                    mean_sd(point["auc_image"]),
                    difference(versus),
                    f"{number(versus['t'], 2)}, {p_value(versus['p'])} ({p_value(versus['p_holm'])})" if versus else "",
                    mean_sd(point["auc_patient"]),
                    difference(point.get("versus_real_patient")),
                    mean_sd(point["auc_fold"]),
                    beside_curve(run, point),
                ]
            )
        heads = [
            "scenario, selection, mode" if several else "scenario",
            "r",
            "AUC, images: mean ± sd",
            "versus real [95% interval]",
            "t, p (Holm) over seeds",
            "AUC, patients",
            "versus real",
            "AUC averaged over folds",
            "paper 0: images, patients",
        ]
        seeds = "seed" if run["seeds"] == 1 else "seeds"
        lines += [f"Curve {run['name']}, {run['seeds']} {seeds}:", "", *table(heads, rows)]
    return lines


def fidelity(metrics: Path) -> list[str]:
    """Distances of pools to held-out images, over folds."""
    if not (metrics / "fidelity.json").exists():
        return []
    evidence = json.loads((metrics / "fidelity.json").read_text())
    kinds = evidence["kinds"]
    names = [name for name, value in kinds[0].items() if isinstance(value, dict)]
    rows = [
        [
            entry["kind"],
            entry["label_name"] or "all",
            _part(entry),
            str(entry["images"]),
            *(_over_folds(entry[name]) for name in names),
        ]
        for entry in kinds
        if entry["part"] != "drawn" or entry["label"] is None
    ]
    heads = ["images of", "class", "part", "images", *(f"{name}: mean over folds [95% interval]" for name in names)]
    return [
        *table(heads, rows),
        f"fd and kd are Fréchet and kernel distances to the fold's held-out images in the space of an in-domain "
        f"{evidence['extractor']['name']}: they are no FID and compare with nothing outside this study. The row of real "
        "training images is what real images of other patients reach. Precision, recall and F1 are the improved ones "
        "(Kynkaanniemi et al. 2019); ms_ssim is the similarity of pairs of one class, lower being more varied.",
        "",
    ]


def _part(entry: Evidence) -> str:
    """Raw, kept or drawn at a mixing rate, with the selection."""
    rate, selection = entry.get("mixing_rate"), entry.get("selection")
    part = entry["part"] if rate is None else f"{entry['part']} at r = {rate:g}"
    return part if selection in (None, "none") else f"{part}, {selection}"


def _over_folds(metric: Evidence) -> str:
    """Mean and interval, as far as there were images enough for them."""
    bounds = metric["ci95"]
    return figure(metric["mean"]) + (f" [{' to '.join(map(figure, bounds))}]" if bounds else "")


def explanations(metrics: Path) -> list[str]:
    """How far SHAP values miss what they should add up to."""
    if not (metrics / "explain.json").exists():
        return []
    evidence = json.loads((metrics / "explain.json").read_text())
    error, share = evidence["additivity_error"], evidence["relative_error"]["mean"]
    of_logits = "" if share is None else f", {share:.1%} of what there was to divide up"
    return [
        f"SHAP values of {len(evidence['images'])} images ({evidence['scenario']}, {evidence['backbone']}, fold "
        f"{evidence['fold']}, first seed; {evidence['background']} background images, {evidence['samples']} samples): "
        f"additivity error {figure(error['mean'])} logits on average{of_logits}, {figure(error['max'])} at most.",
        "",
    ]


def gates(metrics: Path) -> list[str]:
    """What the pools gates decided."""
    lines = []
    for path in sorted((metrics / "quality").glob("pools*.json")):
        verdict = json.loads(path.read_text())
        failed = [one["name"] for one in verdict["expectations"] if not one["pass"]]
        lines.append(f"Gate {path.stem}: {'open' if verdict['pass'] else 'closed'}; warnings: {', '.join(failed) or 'none'}.")
    return lines
