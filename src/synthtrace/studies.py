"""The studies of this repository: the main one at its top, others in folders of their own."""

from pathlib import Path
from typing import NamedTuple

from synthtrace.params import Params, Root
from synthtrace.params.segmentation import SegmentationParams


class Study(NamedTuple):
    """Where a study's dvc.yaml and params.yaml lie, where its stage scripts, both below the repository; its parameters."""

    folder: Path
    scripts: str
    model: type[Root]


MAIN = Study(Path(), "stages", Params)
STUDIES = {"segmentation": Study(Path("studies/segmentation"), "stages/segmentation", SegmentationParams)}


def study_of(folder: Path) -> tuple[Study, Path]:
    """The study whose folder this is, and the repository's top as seen from it; any other folder is the main study's."""
    place = folder.resolve()
    for study in STUDIES.values():
        if place.parts[-len(study.folder.parts) :] == study.folder.parts:
            return study, Path(*[".."] * len(study.folder.parts))
    return MAIN, Path()
