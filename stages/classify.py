"""Train the classifiers of a scenario on every fold and seed, and predict the fold's test images."""

import argparse

from synthtrace.classify.scenarios import CROPS, stage_name
from synthtrace.stage import stage


def main() -> None:
    """Train, predict, keep the first model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", required=True)
    scenario = parser.parse_args().scenario
    with stage(stage_name("classify", scenario)) as run:
        from synthtrace.classify.grid import OF_RECIPE
        from synthtrace.classify.kept import save_kept
        from synthtrace.classify.recipes import of_classifier
        from synthtrace.classify.train import train_scenario
        from synthtrace.tables import read_manifest, write_predictions

        params = run.params
        done = train_scenario(run, scenario, of_classifier(scenario, params), "classifier.backbones", "mixing_rate")
        with run.output(f"data/predictions/{scenario}.parquet") as table, run.output(f"data/classifiers/{scenario}") as kept:
            write_predictions(table, done.predicted(len(params.dataset.labels)).drop(columns=OF_RECIPE))
            save_kept(kept, scenario, done, read_manifest(CROPS), params)


if __name__ == "__main__":
    main()
