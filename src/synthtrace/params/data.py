"""Blocks of params.yaml up to the folds: where scans come from, how they are cropped, and who learns and who judges."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from synthtrace.params.types import Block, Count, Natural, Number, Unrepeated


class Compute(Block):
    """Where and how a stage computes; all are recorded, another thread count gives other bytes."""

    threads: Count
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["float32", "bfloat16"]


class Columns(Block):
    """Names that a foreign manifest gives to our columns (`table` data sets); null: the data set has none."""

    path: str
    label: str
    patient_id: str | None
    frame: str | None
    grade: str | None
    mask_path: str | None
    group_id: str | None


class Dataset(Block):
    """Which scans are studied and where they lie."""

    kind: Literal["phantom", "table", "byra"]
    path: str
    labels: Annotated[list[str], Field(min_length=2), Unrepeated]
    patient_ids: Literal["manifest", "none"]
    columns: Columns
    baselines: Annotated[list[str], Unrepeated]


class Simulate(Block):
    """The phantom: the study's patients and an unlabelled corpus of other patients."""

    patients: Count
    frames: Count
    prevalence: Annotated[Number, Field(gt=0, lt=1)]
    unlabelled_patients: Natural
    unlabelled_frames: Count


class Preprocess(Block):
    """Region of interest (`whole`: none is sought), centre crop in native pixels, fixed crops for classification."""

    region: Literal["sector", "whole"]
    crop_size: Annotated[int, Field(ge=16, le=4096, strict=True)]
    image_size: Annotated[int, Field(ge=16, le=1024, strict=True)]
    channels: Literal[1, 3]


class Split(Block):
    """How folds are made.

    `kfold` (paper 0) is patient-level, stratified by label, and dealt anew in each of `repeats`. `subsets` (papers 3 and 4)
    makes each fold's training images a subset of their own, disjoint from the others and balanced as all of them are;
    validation and test images are the same in every fold. Test images are those whose manifest column `column` holds `test`,
    or with `column` null a share `test_share` of all.
    """

    protocol: Literal["kfold", "subsets"]
    folds: Annotated[list[Natural], Field(min_length=1)]
    repeats: Count
    column: str | None
    test: str | None
    test_share: Annotated[Number, Field(gt=0, lt=1)]
    val_share: Annotated[Number, Field(ge=0, lt=1)]
    subset_share: Annotated[Number, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _dealt(self) -> "Split":
        if self.folds != list(range(len(self.folds))):
            raise ValueError(f"lists the folds 0, 1, ..., n-1; found {self.folds}")
        if self.protocol == "subsets":
            if self.repeats != 1:
                raise ValueError(f"repeats must be 1 with protocol 'subsets'; found {self.repeats}")
            if (self.column is None) != (self.test is None):
                raise ValueError("column and test go together: both are given, or both are null")
            if len(self.folds) * self.subset_share > 1 + 1e-9:
                raise ValueError(
                    f"subset_share is {self.subset_share}, too much for {len(self.folds)} disjoint subsets; expected at most "
                    f"{1 / len(self.folds):.3g}"
                )
        elif len(self.folds) % self.repeats or self.folds_a_round < 2:
            raise ValueError(
                f"repeats is {self.repeats}, but the {len(self.folds)} folds are not that many times an equal number, at "
                "least 2"
            )
        return self

    @property
    def rounds(self) -> int:
        """How often each test image is tested: once a repeat, or once a subset."""
        return len(self.folds) if self.protocol == "subsets" else self.repeats

    @property
    def folds_a_round(self) -> int:
        """Folds in which each test image is tested once; round r holds the folds r * n to r * n + n - 1."""
        return len(self.folds) // self.rounds
