"""The answer, with its uncertainty: metrics/summary.json and the tables behind the plots."""

import json
from pathlib import Path

from synthtrace.compare.segmentation import from_workspace
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage
from synthtrace.tables import read_folds

with stage("compare", SegmentationParams) as run:
    run.say(f"real pairs and pools of {', '.join(run.params.generators.pools)}")
    result = from_workspace(Path(), read_folds(Path("data/folds/folds.csv")), run.params)
    with run.output("metrics/summary.json") as temporary:
        temporary.write_text(json.dumps(result.summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for name, table in result.plots.items():
        with run.output(f"plots/{name}.csv") as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
