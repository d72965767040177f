"""How near raw and kept pools come to the held-out images of their fold: metrics/fidelity.json."""

import json
from pathlib import Path

from synthtrace.stage import stage

if __name__ == "__main__":
    with stage("score_pools") as run:
        from synthtrace import compute
        from synthtrace.fidelity.score import from_workspace

        params = run.params
        device = compute.set_up(run)
        spaces = "in-domain features" + (" and Inception's" if params.fidelity.inception else "")
        run.say(f"pools of {', '.join(params.generator.kinds)} in {spaces} ({device})")
        result = from_workspace(Path(), params, device, cached=True)
        with run.output("metrics/fidelity.json") as temporary:
            temporary.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
