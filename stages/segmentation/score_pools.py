"""How near raw and kept pools come to the training images, and how varied they are: metrics/fidelity.json."""

import json
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

if __name__ == "__main__":
    with stage("score_pools", SegmentationParams) as run:
        from synthtrace import compute
        from synthtrace.fidelity.pair_pools import from_workspace

        params = run.params
        device = compute.set_up(run)
        spaces = "in-domain features" + (" and Inception's" if params.fidelity.inception else "")
        run.say(f"pools {', '.join(params.generators.pools)} in {spaces} ({device})")
        result = from_workspace(Path(), params, device)
        with run.output("metrics/fidelity.json") as temporary:
            temporary.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
