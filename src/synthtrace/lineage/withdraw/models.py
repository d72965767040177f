"""Which trained models saw a patient, by the cards that their training loops wrote."""

from dataclasses import dataclass
from typing import Any

from synthtrace.cards import CARD, checkpoint_digest
from synthtrace.lineage.checkpoints import BUILT_ON, checkpoint_folders
from synthtrace.lineage.run import read_object
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw.patient import Patient


@dataclass(frozen=True)
class Models:
    """`counts` says by folder what each descending model saw; `digests` are those of their checkpoints."""

    counts: dict[str, dict[str, int]]
    digests: set[str]


def find_models(study: Study, patient: Patient) -> Models:
    """Models in the workspace that saw a patient, or were built on one that did. The kept classifiers are not among them."""
    cards: dict[str, dict[str, Any]] = {}
    for stage in study.lock.values():
        for out in stage.outs:
            if not (study.path(out) / "training.parquet").is_file():
                folders = [folder for folder in checkpoint_folders(study, out) if (study.path(folder) / CARD).is_file()]
                cards |= {folder: read_object(study.path(folder) / CARD) for folder in folders}
    saw = {out for out, card in cards.items() if names(card, patient)}
    digest = {out: checkpoint_digest(study.path(out)) for out in cards}
    descending = built_on({digest[out]: card for out, card in cards.items()}, {digest[out] for out in saw})
    counts = {}
    for out, card in cards.items():
        if digest[out] in descending:
            own = len(patient.image_ids & set(card.get("image_ids", [])))
            counts[out] = {"training images": len(card.get("image_ids", [])), "theirs": own}
            if out not in saw:
                counts[out]["models under it that saw them"] = sum(card.get(key) in descending for key in BUILT_ON)
    return Models(counts, descending)


def names(card: dict[str, Any], patient: Patient) -> bool:
    """Whether a card says that the model saw the patient; random crops bear their image's id, `~` and a number."""
    images = {str(image_id).split("~")[0] for image_id in card.get("image_ids", [])}
    return bool(images & patient.image_ids) or patient.id in {str(one) for one in card.get("patient_ids", [])}


def built_on(cards: dict[str, dict[str, Any]], saw: set[str]) -> set[str]:
    """Digests of the checkpoints that saw a patient, and of those that name one of them as what they were built on."""
    found = set(saw)
    while more := {
        digest for digest, card in cards.items() if digest not in found and {card.get(key) for key in BUILT_ON} & found
    }:
        found |= more
    return found
