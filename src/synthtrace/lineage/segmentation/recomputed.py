"""What is computed again of the numbers that the segmentation study reports."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from synthtrace.lineage.machine import as_recorded
from synthtrace.lineage.recomputed import SUMMARY, Contents, Source
from synthtrace.lineage.segmentation.study import SEGMENTERS, PairStudy

PLOTS = ("synthetic", "augment", "small")


def _compared(study: PairStudy, stage: str) -> Contents:
    from synthtrace.compare.segmentation import compare
    from synthtrace.segment.tables import read_scores, read_skipped

    params = study.params_of(stage)
    scores = pd.concat([read_scores(study.path(f"data/predictions/{item}.parquet")) for item in study.items], ignore_index=True)
    skipped = pd.concat([read_skipped(study.path(f"{SEGMENTERS}/{item}")) for item in study.items], ignore_index=True)
    result = compare(scores, dict(zip(skipped["recipe"], skipped["reason"], strict=True)), study.folds, params)
    return Contents({SUMMARY: result.summary} | {f"plots/{name}.csv": table for name, table in result.plots.items()})


def _scored(study: PairStudy, stage: str) -> Contents:
    from synthtrace.fidelity.pair_pools import from_workspace

    with as_recorded(study, stage) as machine, TemporaryDirectory() as folder:
        # the same data with a scratch cache of its own: that of the study, which anybody can write to, is not read
        (Path(folder) / "data").symlink_to(study.root / "data")
        figures = from_workspace(Path(folder), study.params_of(stage), machine.device)
    elsewhere = "" if machine.same else f"computed on {machine.here}, its stage ran on {machine.recorded}"
    return Contents({"metrics/fidelity.json": figures}, elsewhere)


SOURCES = [
    Source((SUMMARY, *(f"plots/{name}.csv" for name in PLOTS)), "the scores", _compared),
    Source(("metrics/fidelity.json",), "the images", _scored, kept=False, slow=True),
]
