"""Files outside DVC's outs that name a patient's images, or are named after them."""

from collections.abc import Iterable
from pathlib import Path

from synthtrace.lineage.hashing import files_below
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw.naming import names_image

# where a run leaves what no later run makes anew; experiments in folders of their own leave whole workspaces
PLACES = ("records", ".scratch", "results", "report", "wandb", ".dvc/tmp/exps")


def traces(study: Study, image_ids: Iterable[str]) -> dict[str, list[str]]:
    """Paths by place, relative to the study. Outs of stages are left out: the next run replaces them."""
    ids = frozenset(image_ids)
    outs = {out for stage in study.lock.values() for out in stage.outs}
    found = {}
    for place in PLACES:
        paths = sorted(files_below(study.root / place).items())
        named = [f"{place}/{name}" for name, path in paths if Path(name).stem in ids or names_image(Path(path), ids)]
        if named := [path for path in named if path not in outs]:
            found[place] = named
    return found
