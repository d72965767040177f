"""What is known of one image or one file: its row in a ledger or manifest, or its card."""

from pathlib import Path
from typing import Any

import pandas as pd

from synthtrace.cards import CARD, checkpoint_digest, read_card
from synthtrace.errors import InputError
from synthtrace.images import file_sha256
from synthtrace.lineage.pipeline import within
from synthtrace.lineage.run import Run
from synthtrace.lineage.trace.counts import DRAWN, read_drawn, trainings_of
from synthtrace.lineage.trace.target import Target
from synthtrace.tables import read_ledger, read_selection

Plain = dict[str, Any]
SEEDS = ("seed", "condition_seed")


def describe_image(study: Run, target: Target, notes: list[str]) -> Plain:
    """A synthetic image: its ledger row and what became of it.

    Returns the columns of the ledger (`tables.LEDGER`; seeds as strings), `label_name`, and
        - `condition`: {"image_id", "patient_id", "label_name"} of the real image whose map conditioned it, or null;
        - `checkpoint_path`: the checkpoint that the ledger's digest names, or null; its `card` as in `describe_file`;
        - `selection`: {"path", "kept", "copy", "nearest_real_id", "nearest_real_patient", ...} of the selection table, or null;
        - `drawn_by`: [{"scenario", "path", "trainings": [{"backbone", "mixing_rate", "seed", "fold"}]}] of the classifiers that
          trained on it; those of the curve with their `run` too.
    """
    stage, pool = target.makers[0]
    ledger = read_ledger(study.path(pool))
    row = plain_row(ledger[ledger["image_id"] == target.key].iloc[0])
    row["label_name"] = _label_name(study, row["label"])
    folder = checkpoint_folder(study, stage, row["checkpoint"])
    if folder is None:
        notes.append(f"no checkpoint that {stage} read has the digest {row['checkpoint'][:12]} of {target.key}'s ledger row")
    place = study.path(target.path)
    if place.is_file() and file_sha256(place) != row["file_sha256"]:
        notes.append(f"{target.path}: its bytes are not those of its ledger row")
    return row | {
        "condition": _real_image(study, row["condition_image_id"]),
        "checkpoint_path": folder,
        "card": describe_file(study, folder, notes) if folder else None,
        "selection": _selection(study, pool, str(target.key)),
        "drawn_by": _drawn_by(study, stage, str(target.key)),
    }


def describe_file(study: Run, path: str, notes: list[str]) -> Plain | None:
    """What a card or manifest says of a path, or None.

    Of a checkpoint folder: kind, fold, seed, steps, losses, weights, `checkpoint` (its digest), and the `patient_ids` and
    `image_ids` it saw. Of an image: its manifest row, as text.
    """
    place = study.path(path)
    try:
        if (place / CARD).is_file():
            card = read_card(place)
            return {name: value for name, value in card.items() if name != "params"} | {"checkpoint": checkpoint_digest(place)}
        folder = next((above for above in place.parents if (above / "manifest.csv").is_file()), None)
        if folder is None or not folder.is_relative_to(study.root):
            return None
        return _manifest_row(folder, place.relative_to(folder).as_posix())
    except (InputError, ValueError, KeyError, TypeError) as error:
        notes.append(f"{path}: not described ({error})")
        return None


def plain_row(row: pd.Series) -> Plain:
    """A table's row for JSON: nulls as None, 64-bit seeds as strings."""
    return {
        str(name): None
        if pd.isna(value)
        else str(value)
        if name in SEEDS
        else getattr(value, "item", lambda found=value: found)()
        for name, value in row.items()
    }


def _manifest_row(folder: Path, name: str) -> Plain | None:
    """A file's row, values as text: manifests of raw data name and type their columns as they like."""
    manifest = pd.read_csv(folder / "manifest.csv", dtype="string")
    columns = [column for column in manifest.columns if column == "path" or column.endswith("_path")]
    rows = manifest[(manifest[columns] == name).any(axis=1)]
    return plain_row(rows.iloc[0]) if len(rows) else None


def _label_name(study: Run, label: int) -> str:
    names = study.params.dataset.labels
    return names[label] if label < len(names) else str(label)


def _real_image(study: Run, image_id: str | None) -> Plain | None:
    if image_id is None:
        return None
    rows = study.manifest[study.manifest["image_id"] == image_id]
    if not len(rows):
        return {"image_id": image_id, "patient_id": None, "label_name": None}
    return plain_row(rows.iloc[0][["image_id", "patient_id", "label_name"]])


def checkpoint_folder(study: Run, stage: str, digest: str) -> str | None:
    """The dep of a sampling stage that is the checkpoint of this digest."""
    for path in study.lock[stage].deps:
        place = study.path(path)
        if (place / CARD).is_file() and checkpoint_digest(place) == digest:
            return path
    return None


def _selection(study: Run, pool: str, image_id: str) -> Plain | None:
    scored = {out for stage in study.lock.values() if pool in stage.deps for out in stage.outs}
    for stage in study.lock.values():
        for out in stage.outs:
            if scored & set(stage.deps) and (study.path(out) / "selection.parquet").is_file():
                table = read_selection(study.path(out))
                rows = table[table["image_id"] == image_id]
                if len(rows):
                    row = plain_row(rows.iloc[0])
                    nearest = _real_image(study, row["nearest_real_id"])
                    return {"path": out, "nearest_real_patient": nearest and nearest["patient_id"]} | row
    return None


def _drawn_by(study: Run, maker: str, image_id: str) -> list[Plain]:
    """Classifiers that trained on an image, among the stages that read what `maker` made."""
    found = []
    pools = list(study.lock[maker].outs)
    for stage in study.lock.values():
        if not any(within(pool, dep) or within(dep, pool) for pool in pools for dep in stage.deps):
            continue
        for out in stage.outs:
            if (study.path(out) / DRAWN).is_file():
                drawn = read_drawn(study.path(out) / DRAWN)
                rows = drawn.loc[drawn["image_id"] == image_id, trainings_of(drawn)].drop_duplicates()
                trainings = [
                    {str(name): getattr(value, "item", lambda v=value: v)() for name, value in row.items()}
                    for _, row in rows.iterrows()
                ]
                found.append({"scenario": Path(out).name, "path": out, "trainings": trainings})
    return found
