"""How much of a table descends from a patient: counts by the words that say what is counted, the whole first."""

from pathlib import Path

import pandas as pd

from synthtrace.cards import CARD
from synthtrace.lineage.drawn import NEAREST, original_ids
from synthtrace.lineage.pipeline import producers
from synthtrace.lineage.run import read_object
from synthtrace.lineage.study import Study, Trainings
from synthtrace.lineage.withdraw.models import Models, names
from synthtrace.lineage.withdraw.patient import Patient
from synthtrace.tables import read_candidates, read_folds, read_ledger, read_selection

Counts = dict[str, int]


def images(folder: Path, patient: Patient) -> Counts:
    """Scans, crops, or unlabelled images."""
    table = pd.read_csv(folder / "manifest.csv", dtype="string")
    own = table[table["image_id"].isin(patient.image_ids)]
    counts = {"images": len(table), "theirs": len(own)}
    for column, words in (("native_path", "native crops"), ("map_path", "brightness maps"), ("mask_path", "masks")):
        if column in own:
            counts[words] = int(own[column].notna().sum())
    return counts


def folds(path: Path, patient: Patient) -> Counts:
    """In how many folds the patient has which role."""
    table = read_folds(path)
    roles = table[table["image_id"].isin(patient.image_ids)].groupby("role")["fold"].nunique()
    return {"folds": int(table["fold"].nunique())} | {f"with role {role}": int(count) for role, count in roles.items()}


def pool(study: Study, out: str, patient: Patient, models: Models) -> tuple[Counts, set[str]]:
    """A pool, and the ids of its images that descend."""
    ledger = read_ledger(study.path(out))
    saw = ledger["checkpoint"].isin(models.digests)
    conditioned = ledger["condition_image_id"].isin(patient.image_ids)
    counts = {
        "images": len(ledger),
        "of a generator that saw them": int(saw.sum()),
        "conditioned on their maps": int(conditioned.sum()),
    }
    return counts, set(ledger.loc[saw | conditioned, "image_id"].astype(str))


def candidates(study: Study, out: str, patient: Patient, models: Models, synthetic: set[str]) -> Counts:
    """Scored candidates; `synthetic` are the ids of pool images that descend."""
    stage = producers(study.lock, out)[0][0]
    scored = any(dep in models.counts for dep in study.lock[stage].deps)
    table = read_candidates(study.path(out))
    return _near(table, patient, synthetic) | {"scored by an extractor that saw them": len(table) if scored else 0}


def selection(study: Study, out: str, patient: Patient, synthetic: set[str]) -> Counts:
    """A selection of them."""
    table = read_selection(study.path(out))
    own = table["image_id"].isin(synthetic)
    return _near(table, patient, synthetic) | {"of these kept": int((own & table["kept"].astype(bool)).sum())}


def _near(table: pd.DataFrame, patient: Patient, synthetic: set[str]) -> Counts:
    nearest = table[[name for name in NEAREST if name in table]].isin(patient.image_ids).any(axis=1)
    return {
        "candidates": len(table),
        "that descend": int(table["image_id"].isin(synthetic).sum()),
        "nearest to an image of theirs": int(nearest.sum()),
    }


def classifiers(study: Study, trainings: Trainings, patient: Patient, synthetic: set[str]) -> tuple[Counts, pd.DataFrame]:
    """Trained models of a scenario, and which of them (`told_by`, fold) descend."""
    drawn, run = study.drawn(trainings), [*trainings.told_by, "fold"]
    own = original_ids(drawn["image_id"], trainings.scenario).isin(patient.image_ids)
    made = drawn["image_id"].isin(synthetic)
    counts = {
        "trained models": len(drawn[run].drop_duplicates()),
        "learnt from their images": len(drawn.loc[own, run].drop_duplicates()),
        "learnt from synthetic images that descend": len(drawn.loc[made, run].drop_duplicates()),
    }
    return counts, drawn.loc[own | made, run].drop_duplicates()


def predictions(study: Study, trainings: Trainings, patient: Patient, trained: pd.DataFrame | None) -> Counts:
    """What models of a scenario predicted; `trained` are those (`told_by`, fold) that descend, where known."""
    table = study.predicted(trainings)
    counts = {"predictions": len(table), "of their images": int(table["image_id"].isin(patient.image_ids).sum())}
    if trained is not None:
        counts["by models that descend"] = len(table.merge(trained, on=list(trained.columns)))
    return counts


def explanations(study: Study, out: str, patient: Patient, synthetic: set[str]) -> Counts:
    """Explained images, and whether the classifier that they explain learnt from the patient."""
    explained = pd.read_parquet(study.path(out) / "explanations.parquet", columns=["image_id"])["image_id"]
    deps = [study.path(dep) for dep in study.lock[producers(study.lock, out)[0][0]].deps]
    cards = [read_object(folder / CARD) for folder in deps if (folder / CARD).is_file()]
    learnt = any(names(card, patient) or synthetic & set(card.get("image_ids", [])) for card in cards)
    return {
        "explained images": len(explained),
        "of theirs": int(explained.isin(patient.image_ids).sum()),
        "synthetic ones that descend": int(explained.isin(synthetic).sum()),
        "by a classifier that descends": len(explained) if learnt else 0,
    }
