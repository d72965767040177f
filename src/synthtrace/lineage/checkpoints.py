"""Which trained models stand upstream of a fold's predictions, and what their cards say that they saw."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthtrace.cards import CARD, checkpoint_digest
from synthtrace.errors import InputError
from synthtrace.generators.spaces import spaces
from synthtrace.images import file_sha256
from synthtrace.lineage.findings import Finding, fail, listed, note
from synthtrace.lineage.pipeline import Locked, producer, producers, upstream
from synthtrace.lineage.roles import Sides
from synthtrace.lineage.run import Run, read_object
from synthtrace.lineage.study import Study

WEIGHTS = "*.safetensors"
# a gate says that data may go on, or stops them: nothing learnt goes through it
NOT_LEARNT = ("data/gates/", "metrics/")
# the role of what a fold neither trains on nor judges by
UNUSED = "unused"
# fields of a card that name, by digest, a checkpoint that this one was built on
BUILT_ON = ("autoencoder", "started_from", "denoiser")


@dataclass
class Checkpoint:
    """A trained model that the lock puts upstream of predictions.

    `name`: its folder in the pipeline; `stage`: what wrote it; `folds`: folds whose predictions it stands upstream of.
    """

    name: str
    stage: str
    folds: set[int] = field(default_factory=set)


def fold_of(path: str) -> int | None:
    """The fold whose folder a path of the pipeline is or lies in; None for what all folds share."""
    found = re.search(r"(?:^|/)fold(\d+)(?:/|$)", path)
    return int(found[1]) if found else None


def upstream_checkpoints(study: Run, folds: dict[int, Sides]) -> list[Checkpoint]:
    """Every checkpoint upstream of a scenario's predictions, by the lock.

    What a classifier reads below a fold's folder serves that fold alone, with all that stands upstream of it; the rest serves
    every fold. Raises InputError for a scenario whose predictions no stage of the lock makes.
    """
    stages = {name: stage for name, stage in study.lock.items() if not all(out.startswith(NOT_LEARNT) for out in stage.outs)}
    found: dict[str, Checkpoint] = {}
    for item in study.items:
        table = f"data/predictions/{item}.parquet"
        made = producer(stages, table)
        if made is None:
            raise InputError(f"{study.root / 'dvc.lock'}: no stage makes {table}; expected one a scenario")
        for dep in stages[made[0]].deps:
            for above, out in producers(stages, dep):
                fold = fold_of(out)
                for checkpoint in _checkpoints(study, stages, [above, *upstream(stages, above)]):
                    found.setdefault(checkpoint.name, checkpoint).folds |= set(folds) if fold is None else {fold}
    return list(found.values())


def checkpoint_folders(study: Run, out: str) -> list[str]:
    """The checkpoints in an output: the output itself, or its folders where several latent spaces stand side by side.

    What holds weights and no card is one too: nobody knows what it saw.
    """
    folder = study.path(out)
    inner = [path for path in sorted(folder.glob("*/")) if (path / CARD).is_file() or any(path.glob(WEIGHTS))]
    if (folder / CARD).is_file() or not any((path / CARD).is_file() for path in inner):
        return [out] if (folder / CARD).is_file() or any(folder.glob(WEIGHTS)) or inner else []
    loose = [out] if any(folder.glob(WEIGHTS)) else []
    return loose + [f"{out}/{path.name}" for path in inner]


def _checkpoints(study: Run, stages: dict[str, Locked], names: list[str]) -> Iterator[Checkpoint]:
    for name in names:
        for out in stages[name].outs:
            for folder in checkpoint_folders(study, out):
                yield Checkpoint(folder, name)


def read_card(folder: Path) -> dict[str, Any]:
    """A checkpoint's card; raises InputError when it is missing, damaged, or does not say what the model saw."""
    card = read_object(folder / CARD)
    for key, kind in (("patient_ids", list), ("image_ids", list), ("weights", dict)):
        if not isinstance(card.get(key), kind):
            raise InputError(f"{folder / CARD}: expected {key!r} to be a JSON {'array' if kind is list else 'object'}")
    return card


def wrong_weights(folder: Path, card: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a checkpoint's weight files, a sentence each: the card must know each by its sha256."""
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob(WEIGHTS))}
    for name, digest in card["weights"].items():
        if name not in there:
            yield f"{name}: no such file; the card names it"
        elif (found := file_sha256(there[name])) != digest:
            yield f"{name}: sha256 {found[:12]}; expected {str(digest)[:12]} as in its card"
    for name in there.keys() - card["weights"].keys():
        yield f"{name}: not among the weights that the card names"


def judged(study: Run, checkpoint: Checkpoint, every: list[Checkpoint], folds: dict[int, Sides]) -> Iterator[Finding]:
    """What a checkpoint saw, held against each fold whose predictions it stands upstream of."""
    folder = study.path(checkpoint.name)
    try:
        card = read_card(folder)
    except InputError as error:
        yield fail(str(error))
        return
    yield from (fail(f"{checkpoint.name}/{problem}") for problem in wrong_weights(folder, card))
    name, above = f"{checkpoint.name}/{CARD}", _digests_above(study, checkpoint, every)
    for key in BUILT_ON:
        if card.get(key) and card[key] not in above:
            yield fail(f"{name}: {key} {str(card[key])[:12]} is no checkpoint upstream of it, so that nobody knows what it saw")
    if card.get("fold") is None:
        yield from _of_nobody(study, name, card)
        if fold_of(checkpoint.name) is not None and checkpoint_digest(folder) not in above:
            yield fail(f"{name}: names no fold; expected one, or the weights of a model that all folds share")
        return
    for fold in sorted(checkpoint.folds):
        if fold not in folds:
            continue  # a folder of a retired fold: the check `pipeline` names it
        if card["fold"] != fold:
            yield fail(f"{name}: trained for fold {card['fold']}, but upstream of the predictions of fold {fold}")
        yield from _of_training_images(name, card, folds[fold])


def _of_training_images(name: str, card: dict[str, Any], side: Sides) -> Iterator[Finding]:
    images, patients = [str(one) for one in card["image_ids"]], {str(one) for one in card["patient_ids"]}
    wrong = [image_id for image_id in images if image_id not in side.train]
    if wrong:
        yield fail(f"{name}: trained on {side.shown(wrong)}; expected training images of fold {side.fold}")
    own = {side.patient[image_id] for image_id in images if image_id in side.patient}
    if patients != own:
        odd = listed(sorted(repr(one) for one in patients ^ own), 3)
        yield fail(f"{name}: patient_ids and the patients of image_ids differ in {odd}; expected the same patients")
    if not images and card["weights"]:
        yield fail(f"{name}: names no image that it was trained on; expected training images of fold {side.fold}")


def _of_nobody(study: Run, name: str, card: dict[str, Any]) -> Iterator[Finding]:
    """A model that belongs to no fold serves all of them, so that it may know nobody of the study whom a fold uses."""
    used = study.folds[study.folds["role"] != UNUSED]
    images = sorted(set(card["image_ids"]) & set(used["image_id"].astype(str)))
    patients = sorted({str(one) for one in card["patient_ids"]} & set(used["patient_id"].astype(str)))
    for what, found in (("image", images), ("patient", patients)):
        if found:
            yield fail(f"{name}: trained on {what} {listed(found, 3)}, which a fold uses; expected none that any fold does")
    if card["weights"] and not card["image_ids"]:
        source, known = card.get("taken_from"), _given(study)
        if source is None or source != known.get(Path(name).parent.name):
            yield fail(f"{name}: names no image that it was trained on, and no autoencoder.pretrained that it was taken from")
        elif fold_of(name) is None:
            yield note(f"{name}: taken from {source}, which leaves no record of what it saw")


def _given(study: Run) -> dict[str, str | None]:
    """The autoencoders that the parameters take as they are, by their latent space; a study without latent spaces has none."""
    if not isinstance(study, Study):
        return {}
    return {space: study.params.autoencoder.of_space(space).pretrained for space in spaces(study.params.autoencoder)}


def _digests_above(study: Run, checkpoint: Checkpoint, every: list[Checkpoint]) -> set[str]:
    """Digests of the checkpoints upstream of one; damaged ones are reported where they are judged."""
    above, found = set(upstream(study.lock, checkpoint.stage)), set()
    for other in every:
        if other.stage in above:
            with contextlib.suppress(InputError):
                read_card(study.path(other.name))
                found.add(checkpoint_digest(study.path(other.name)))
    return found
