"""Which pairs of a pool are kept; copies and pairs without a lesion never are: data/selected/<kind>/fold0/."""

import argparse
from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

FOLD = 0

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    with stage(f"select@{kind}", SegmentationParams) as run:
        from synthtrace.selection.pair_rules import kept
        from synthtrace.tables import read_candidates, write_selection

        table = read_candidates(Path(f"data/scored/{kind}/fold{FOLD}"))
        table["kept"] = kept(table, run.params.masks)
        with run.output(f"data/selected/{kind}/fold{FOLD}") as temporary:
            temporary.mkdir()
            write_selection(temporary, table)
        run.say(f"{int(table['kept'].sum())} of {len(table)} kept")
