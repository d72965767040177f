"""The answer, with its uncertainty: metrics/summary.json, metrics/curve.json and the tables behind the plots."""

import json
from pathlib import Path

from synthtrace.compare import curve_from_predictions, from_predictions
from synthtrace.stage import stage
from synthtrace.tables import read_manifest

with stage("compare") as run:
    params = run.params
    kinds = ", ".join(params.generator.kinds)
    runs = ", ".join(one.name for one in params.curve.runs)
    run.say(f"real, traditional, {kinds} at mixing rate {params.mixing_rate}, and the curve of {runs}")
    result = from_predictions(Path("data/predictions"), params, read_manifest(Path("data/crops")))
    curve, curve_auc, curve_roc = curve_from_predictions(Path("data/curve"), params)
    for name, numbers in {"summary": result.summary, "curve": curve}.items():
        with run.output(f"metrics/{name}.json") as temporary:
            temporary.write_text(json.dumps(numbers, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for name, table in {"auc": result.auc, "roc": result.roc, "curve": curve_auc, "curve_roc": curve_roc}.items():
        with run.output(f"plots/{name}.csv") as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
