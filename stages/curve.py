"""Train every run of the curve that draws from a scenario, at its mixing rates, on every fold: data/curve/<scenario>/."""

import argparse

from synthtrace.classify.scenarios import stage_name
from synthtrace.stage import stage


def main() -> None:
    """Train and predict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", required=True)
    scenario = parser.parse_args().scenario
    with stage(stage_name("curve", scenario)) as run:
        from synthtrace.classify.curve import write_curve
        from synthtrace.classify.recipes import of_curve
        from synthtrace.classify.train import train_scenario

        done = train_scenario(run, scenario, of_curve(scenario, run.params), "curve.runs", "curve.rates")
        with run.output(f"data/curve/{scenario}") as folder:
            write_curve(folder, scenario, done, len(run.params.dataset.labels))


if __name__ == "__main__":
    main()
