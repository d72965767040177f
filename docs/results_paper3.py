"""Table 1 of paper 3 (Ye et al. 2023) and of its supplement, typed from its text, beside our cells of cpu-histo."""

from pathlib import Path
from typing import NamedTuple

from results_beside import Run, beside
from results_cells import table


class Stated(NamedTuple):
    """A row: selection, mixing rate, FID, and accuracy, F1, sensitivity and specificity as shares."""

    selection: str
    rate: float
    fid: str
    scores: tuple[str, str, str, str]


SCORES = ("accuracy", "f1", "sensitivity", "specificity")
BASELINE = ("0.855", "0.850", "0.855", "0.983")
SELECTIONS = {"none": "random", "centroid": "selective"}
# by preset and kind of generator; the paper's order
BLOCKS = {
    ("cpu-histo", "gan", "GAN (theirs: StyleGAN2)"): (
        Stated("none", 0.5, "5.714", ("0.860", "0.856", "0.860", "0.980")),
        Stated("centroid", 0.5, "5.088", ("0.868", "0.861", "0.867", "0.978")),
        Stated("centroid", 1.0, "5.927", ("0.879", "0.876", "0.879", "0.982")),
        Stated("centroid", 2.0, "7.550", ("0.895", "0.888", "0.895", "0.983")),
        Stated("centroid", 3.0, "10.643", ("0.898", "0.896", "0.898", "0.987")),
    ),
    ("cpu-histo", "guided", "HistoDiffusion"): (
        Stated("none", 0.5, "4.921", ("0.870", "0.869", "0.870", "0.982")),
        Stated("centroid", 0.5, "4.544", ("0.891", "0.888", "0.891", "0.983")),
        Stated("centroid", 1.0, "3.874", ("0.903", "0.902", "0.903", "0.991")),
        Stated("centroid", 2.0, "4.583", ("0.919", "0.916", "0.919", "0.992")),
        Stated("centroid", 3.0, "8.326", ("0.910", "0.912", "0.910", "0.988")),
    ),
    ("cpu-histo-untuned", "guided", "without fine-tuning"): (
        Stated("none", 0.5, "18.254", ("0.865", "0.867", "0.865", "0.986")),
        Stated("centroid", 0.5, "19.887", ("0.875", "0.870", "0.875", "0.982")),
        Stated("centroid", 1.0, "18.418", ("0.880", "0.879", "0.880", "0.985")),
        Stated("centroid", 2.0, "19.229", ("0.897", "0.892", "0.897", "0.989")),
        Stated("centroid", 3.0, "21.682", ("0.905", "0.908", "0.905", "0.988")),
    ),
    ("cpu-histo-unpretrained", "guided", "without pre-training"): (
        Stated("none", 0.5, "5.687", ("0.870", "0.867", "0.870", "0.984")),
        Stated("centroid", 0.5, "5.256", ("0.884", "0.882", "0.884", "0.986")),
        Stated("centroid", 1.0, "4.387", ("0.890", "0.891", "0.890", "0.988")),
        Stated("centroid", 2.0, "3.618", ("0.895", "0.894", "0.895", "0.988")),
        Stated("centroid", 3.0, "4.446", ("0.892", "0.887", "0.892", "0.983")),
    ),
}


def section(results: Path) -> list[str]:
    """One table of all blocks; figures of the paper (nine classes of colorectal tissue) in the columns that say so."""
    runs = {preset: Run(results / preset) for preset, _, _ in BLOCKS}
    suffix = runs["cpu-histo"].suffix
    heads = ["trained on", "selection", "r", "FID, ours", "FID, paper's"]
    heads += [f"`fd_{suffix}`, ours", f"`recall_{suffix}`, ours, %"]
    heads += [
        f"{name}, {whose}" for name in ("accuracy", "F1", "sensitivity", "specificity") for whose in ("ours, %", "paper's")
    ]
    rows = []
    for name, scenario, stated in (("real", "real", BASELINE), ("real, traditional", "traditional", ("",) * len(SCORES))):
        ours = [runs["cpu-histo"].score(score, scenario) for score in SCORES]
        rows.append([name, *[""] * 6, *beside(ours, stated)])
    for (preset, kind, name), block in BLOCKS.items():
        run = runs[preset]
        for row in block:
            drawn = (kind, "drawn", row.selection, row.rate)
            quality = [run.fidelity("fid", *drawn), row.fid]
            quality += [run.fidelity(f"{metric}_{suffix}", *drawn) for metric in ("fd", "recall")]
            ours = [run.score(score, kind, row.selection, "augment", row.rate) for score in SCORES]
            rows.append([name, SELECTIONS[row.selection], f"{row.rate:g}", *quality, *beside(ours, row.scores)])
    return [
        "Table 1 of the paper, and below it the ablation of its supplement (mixed with real images; per cent, mean ± deviation "
        "over subsets of the means over seeds; distance and recall are of the images that are drawn):",
        "",
        *table(heads, rows),
    ]
