"""Train the classifiers of a scenario on every fold and seed, and predict the fold's test images."""

import argparse
from pathlib import Path

import pandas as pd

from synthtrace.stage import progress, stage
from synthtrace.tables import read_folds, read_manifest, write_predictions


def main() -> None:
    """Train, predict, keep the first model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", required=True)
    scenario = parser.parse_args().scenario
    # as dvc.yaml names it: two stages of their own, and one a kind
    job = f"classify_{scenario}" if scenario in ("real", "traditional") else f"classify@{scenario}"
    with stage(job) as run:
        from synthtrace import backbones, compute
        from synthtrace.classify.grid import Collected, train_grid
        from synthtrace.classify.kept import save_kept
        from synthtrace.classify.scenarios import CROPS, REAL, TRADITIONAL, check_rate, fold_data
        from synthtrace.tracking import track

        params = run.params
        folds_file = Path("data/folds/folds.csv")
        inputs = [CROPS / "manifest.csv", CROPS / "images", folds_file]
        manifest, folds = read_manifest(CROPS), read_folds(folds_file)
        rate = 0.0 if scenario == REAL else params.mixing_rate
        for backbone in params.classifier.backbones:
            backbones.check_name(backbone, "classifier.backbones")
        if scenario == TRADITIONAL:
            inputs.append(CROPS / "native")
        elif scenario != REAL:
            check_rate(scenario, manifest, folds, params)
            inputs += [Path(f"data/pools/{scenario}"), Path(f"data/selected/{scenario}")]
        device = compute.set_up(run)
        numbers = sorted(int(fold) for fold in folds["fold"].unique())
        trainings = len(numbers) * params.classifier.seeds * len(params.classifier.backbones)
        run.say(f"{trainings} trainings of {params.classifier.steps} steps at mixing rate {rate} ({device})")
        config = params.classifier.model_dump() | {"scenario": scenario, "mixing_rate": rate, "seed": params.seed}
        done = Collected()
        with track(run, job, inputs, config) as tracker:
            grid = train_grid((fold_data(scenario, fold, manifest, folds, params) for fold in numbers), rate, params, device)
            for trained in progress(grid, "classify", total=trainings, unit="training"):
                tracker.curve(trained.name, trained.losses, trained.learning_rates)
                done.add(trained)
        with run.output(f"data/predictions/{scenario}.parquet") as table, run.output(f"data/classifiers/{scenario}") as kept:
            write_predictions(table, pd.concat(done.predictions, ignore_index=True))
            save_kept(kept, scenario, done.first, pd.concat(done.training, ignore_index=True), manifest, params)


if __name__ == "__main__":
    main()
