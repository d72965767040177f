"""Which candidates of a pool are kept; copies of training images never are: data/selected/<kind>/fold<k>/."""

import argparse
from pathlib import Path

from synthtrace.stage import stage

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--fold", type=int, required=True)
    arguments = parser.parse_args()
    kind, fold = arguments.kind, arguments.fold
    with stage(f"select@{kind}-{fold}") as run:
        from synthtrace.selection.select import select
        from synthtrace.tables import read_candidates, write_selection

        settings = run.params.selection
        table = select(read_candidates(Path(f"data/scored/{kind}/fold{fold}")), settings)
        with run.output(f"data/selected/{kind}/fold{fold}") as temporary:
            temporary.mkdir()
            write_selection(temporary, table)
        kept, copies = int(table["kept"].sum()), int(table["copy"].sum())
        run.say(f"{kept} of {len(table)} kept by {settings.method}, {copies} copies dropped")
