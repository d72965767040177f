"""Train the segmenters of real pairs, or those that read a pool, with every seed, and score them on the test pairs."""

import argparse

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage


def main() -> None:
    """Train, score, keep the first network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage("segment_real" if kind == "real" else f"segment@{kind}", SegmentationParams) as run:
        from synthtrace.segment.trainings import CROPS, train_item
        from synthtrace.tables import read_manifest

        done = train_item(run, kind)
        with run.output(f"data/predictions/{kind}.parquet") as table, run.output(f"data/segmenters/{kind}") as kept:
            done.write(table, kept, read_manifest(CROPS), run.params)


if __name__ == "__main__":
    main()
