"""Tables 1 and 2 of paper 4 (Benito-del-Valle et al. 2024), typed from its text, beside our cells of cpu-pcam."""

from pathlib import Path

from results_beside import Run, beside
from results_cells import table

PRESET, RATE = "cpu-pcam", 1.0
NAMES = {"gan": "GAN (theirs: HistoGAN)", "unet": "U-Net diffusion", "dit": "DiT diffusion"}
SELECTIONS = {"none": "no selection", "realism": "realism", "class_realism": "class-based realism"}

# FID, and improved precision, recall and F1 in per cent: mean ± deviation
QUALITY = {
    ("none", "gan"): ("126.71 ± 17.13", "11.60 ± 3.03", "0.00 ± 0.00", "0.00 ± 0.00"),
    ("none", "unet"): ("49.08 ± 5.96", "43.70 ± 1.78", "6.31 ± 1.13", "10.98 ± 1.70"),
    ("none", "dit"): ("35.70 ± 2.55", "45.17 ± 2.67", "11.17 ± 0.55", "17.9 ± 0.72"),
    ("realism", "gan"): ("132.80 ± 14.64", "8.53 ± 3.04", "0.00 ± 0.00", "0.00 ± 0.00"),
    ("realism", "unet"): ("51.94 ± 6.07", "42.27 ± 2.41", "3.42 ± 0.63", "6.32 ± 1.09"),
    ("realism", "dit"): ("40.02 ± 1.78", "41.08 ± 2.10", "6.83 ± 0.28", "11.72 ± 0.49"),
    ("class_realism", "gan"): ("129.87 ± 13.65", "8.69 ± 3.48", "0.02 ± 0.04", "0.04 ± 0.08"),
    ("class_realism", "unet"): ("52.36 ± 5.83", "41.94 ± 2.40", "3.44 ± 0.52", "6.35 ± 0.90"),
    ("class_realism", "dit"): ("40.34 ± 1.78", "40.99 ± 2.01", "6.85 ± 0.38", "11.74 ± 0.62"),
}
# accuracy, AUC, sensitivity and specificity of ResNet18 in per cent
SCORES = ("accuracy", "auc", "sensitivity", "specificity")
BASELINE = ("82.16 ± 0.23", "90.17 ± 0.20", "81.32 ± 1.53", "82.99 ± 1.42")
TRADITIONAL = ("85.05 ± 0.43", "92.99 ± 0.26", "81.15 ± 1.50", "88.95 ± 1.13")
AUGMENTED = {
    ("none", "augment", "gan"): ("84.47 ± 0.49", "93.02 ± 0.37", "76.35 ± 1.2", "92.59 ± 0.39"),
    ("none", "augment", "unet"): ("85.22 ± 0.39", "93.28 ± 0.30", "81.24 ± 1.13", "89.19 ± 1.11"),
    ("none", "augment", "dit"): ("84.95 ± 0.74", "92.86 ± 0.49", "81.32 ± 1.82", "88.58 ± 0.49"),
    ("none", "transfer", "gan"): ("85.03 ± 0.48", "92.98 ± 0.22", "80.84 ± 1.65", "89.21 ± 0.81"),
    ("none", "transfer", "unet"): ("85.47 ± 0.36", "93.37 ± 0.29", "81.40 ± 1.11", "89.54 ± 0.58"),
    ("none", "transfer", "dit"): ("85.58 ± 0.57", "93.32 ± 0.32", "81.79 ± 0.80", "89.38 ± 1.02"),
    ("realism", "augment", "gan"): ("85.19 ± 0.94", "93.37 ± 0.71", "77.44 ± 2.26", "92.94 ± 1.09"),
    ("realism", "augment", "unet"): ("85.78 ± 0.62", "93.45 ± 0.36", "82.23 ± 1.85", "89.33 ± 0.72"),
    ("realism", "augment", "dit"): ("84.74 ± 0.79", "92.51 ± 0.58", "80.08 ± 1.41", "89.40 ± 0.55"),
    ("realism", "transfer", "gan"): ("85.38 ± 0.56", "93.18 ± 0.34", "82.10 ± 1.48", "88.66 ± 0.98"),
    ("realism", "transfer", "unet"): ("85.87 ± 0.64", "93.54 ± 0.38", "83.30 ± 1.80", "88.45 ± 0.62"),
    ("realism", "transfer", "dit"): ("85.06 ± 0.38", "93.04 ± 0.08", "80.68 ± 1.41", "89.44 ± 0.73"),
    ("class_realism", "augment", "gan"): ("84.82 ± 0.85", "93.20 ± 0.51", "76.44 ± 2.71", "93.2 ± 1.17"),
    ("class_realism", "augment", "unet"): ("85.64 ± 0.65", "93.40 ± 0.33", "82.20 ± 2.48", "89.07 ± 1.42"),
    ("class_realism", "augment", "dit"): ("84.98 ± 0.43", "92.77 ± 0.30", "82.69 ± 2.15", "87.27 ± 1.46"),
    ("class_realism", "transfer", "gan"): ("85.00 ± 0.53", "92.97 ± 0.28", "80.60 ± 2.00", "89.40 ± 1.22"),
    ("class_realism", "transfer", "unet"): ("85.57 ± 0.65", "93.31 ± 0.51", "82.12 ± 0.77", "89.02 ± 0.95"),
    ("class_realism", "transfer", "dit"): ("85.07 ± 0.50", "93.04 ± 0.30", "81.19 ± 0.72", "88.94 ± 0.63"),
}
# shown in the paper as a figure alone: its AUCs are not stated
SYNTHETIC = "synthetic"


def section(results: Path) -> list[str]:
    """Both tables, in the paper's order; figures of the paper in the columns that say so."""
    run = Run(results / PRESET)
    return [
        "Table 1 of the paper, quality of the images that are drawn at rate 1, equally many whatever the selection (ours: "
        f"precision, recall and F1 in the space of each subset's own extractor, {run.suffix or 'not run'}, which is not the "
        "paper's; per cent):",
        "",
        *_quality(run),
        f"Table 2 of the paper, and the means behind its Figures 5 and 6 (mixing rate {RATE:g}; per cent, mean ± deviation "
        "over subsets of the means over seeds; the paper's figures for `synthetic` are not stated):",
        "",
        *_scores(run),
    ]


def _quality(run: Run) -> list[str]:
    metrics = ("fid", f"precision_{run.suffix}", f"recall_{run.suffix}", f"f1_{run.suffix}")
    heads = ["selection", "generator", f"`fd_{run.suffix}`, ours"]
    heads += [f"{name}, {whose}" for name in ("FID", "precision", "recall", "F1") for whose in ("ours", "paper's")]
    rows = []
    for (selection, kind), stated in QUALITY.items():
        drawn = (kind, "drawn", selection, RATE)
        ours = [run.fidelity(metric, *drawn) for metric in metrics]
        rows.append([SELECTIONS[selection], NAMES[kind], run.fidelity(f"fd_{run.suffix}", *drawn), *beside(ours, stated)])
    return table(heads, rows)


def _scores(run: Run) -> list[str]:
    heads = ["selection", "mode", "trained on"]
    heads += [f"{name}, {whose}" for name in ("accuracy", "AUC", "sensitivity", "specificity") for whose in ("ours", "paper's")]
    rows = [
        ["", "", name, *beside([run.score(score, scenario) for score in SCORES], stated)]
        for name, scenario, stated in (("real", "real", BASELINE), ("real, traditional", "traditional", TRADITIONAL))
    ]
    alone = {(selection, SYNTHETIC, kind): ("",) * len(SCORES) for selection in SELECTIONS for kind in NAMES}
    for (selection, mode, kind), stated in (AUGMENTED | alone).items():
        ours = [run.score(score, kind, selection, mode, RATE) for score in SCORES]
        rows.append([SELECTIONS[selection], mode, NAMES[kind], *beside(ours, stated)])
    return table(heads, rows)
