"""The answer, with its uncertainty: metrics/summary.json and the tables behind the plots."""

import json
from pathlib import Path

from synthtrace.compare import from_predictions
from synthtrace.stage import stage

with stage("compare") as run:
    params = run.params
    kinds = ", ".join(params.generator.kinds)
    run.say(f"real, traditional, {kinds} at mixing_rate {params.mixing_rate}, {params.compare.bootstrap} resamples of patients")
    result = from_predictions(Path("data/predictions"), params)
    with run.output("metrics/summary.json") as temporary:
        temporary.write_text(json.dumps(result.summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for name, table in {"auc": result.auc, "roc": result.roc}.items():
        with run.output(f"plots/{name}.csv") as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
