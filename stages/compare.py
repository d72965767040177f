"""The answer, with its uncertainty: metrics/summary.json and the tables behind the plots."""

import json
from pathlib import Path

from synthtrace.compare import REFERENCE, compare, read_scenarios
from synthtrace.seeds import Seeds
from synthtrace.stage import stage

with stage("compare") as run:
    params = run.params
    scenarios = [REFERENCE, "traditional", *params.generator.kinds]
    tables = read_scenarios(Path("data/predictions"), scenarios, params.mixing_rate)
    run.say(
        f"{', '.join(scenarios)} at mixing_rate {params.mixing_rate}, {params.compare.bootstrap} resamples of whole patients"
    )
    rng = Seeds(params.seed).stream("compare", "bootstrap")
    result = compare(tables, params.mixing_rate, params.compare.bootstrap, rng)
    with run.output("metrics/summary.json") as temporary:
        temporary.write_text(json.dumps(result.summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    for name, table in {"auc": result.auc, "roc": result.roc}.items():
        with run.output(f"plots/{name}.csv") as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
