"""Explain the kept classifier of a generator kind: SHAP values of real and synthetic images."""

import argparse
import json
from pathlib import Path

from synthtrace.stage import stage

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage("explain") as run:
        from synthtrace import compute
        from synthtrace.explain.figures import from_explanations, write_explanations
        from synthtrace.explain.kept import explain_kept
        from synthtrace.explain.subjects import choose

        params = run.params
        subjects = choose(Path(), kind, params)
        device = compute.set_up(run)
        run.say(f"{len(subjects.images)} images, {len(subjects.background)} of background, classifier of {kind} ({device})")
        for note in subjects.notes:
            run.say(note)
        table, values = explain_kept(Path("data/classifiers") / kind, kind, subjects, params, device)
        with run.output("data/explanations") as folder, run.output("metrics/explain.json") as temporary:
            write_explanations(folder, table, values, subjects.images)
            figures = json.dumps(from_explanations(folder), indent=2, allow_nan=False)
            temporary.write_text(figures + "\n", encoding="utf-8")
