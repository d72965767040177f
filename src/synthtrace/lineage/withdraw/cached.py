"""Objects in DVC's cache that hold a patient's images, or what was made from them, in this run and in all earlier ones."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthtrace.cards import CARD
from synthtrace.lineage.listings import Listing, cached_listing, listing
from synthtrace.lineage.study import Study
from synthtrace.lineage.withdraw.descent import rerun
from synthtrace.lineage.withdraw.models import built_on, names
from synthtrace.lineage.withdraw.naming import names_image
from synthtrace.lineage.withdraw.patient import Patient

KINDS = IMAGES, TABLES, MODELS, SYNTHETIC, LISTINGS = (
    "their images",
    "tables and pages",
    "models",
    "synthetic images",
    "folder listings",
)
# of a folder that holds the patient; .npy: values of an explanation, pixel by pixel
NAMED = (".csv", ".json", ".parquet", ".npy")


@dataclass(frozen=True)
class Held:
    """Objects by what they hold: digest -> size in bytes. `staying` are those that today's source data still hold."""

    objects: dict[str, dict[str, int]]
    staying: set[str]


def held(study: Study, patient: Patient, raw: set[str]) -> Held:
    """Look through the whole cache: listings of folders, and single files.

    `raw`: md5 of the patient's files in the data set. An image is known by the image_id in its name or by the bytes of a raw
    file, a model by its card, a pool by its ledger, a table or page by the ids in it.
    """
    folders = {digest: files for digest in _folders(study) if (files := cached_listing(study, digest)) is not None}
    checkpoints = _checkpoints(study, patient, folders)
    found: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}
    for digest, files in folders.items():
        parts = list(_of_folder(study, patient, files, raw, checkpoints))
        if parts:
            found[LISTINGS][digest] = _size(study, digest)
        for kind, md5 in parts:
            found[kind][md5] = _size(study, md5)
    inside = {md5 for files in folders.values() for md5 in files.values()}
    for path in study.cache.glob("??/*"):
        md5 = path.parent.name + path.name
        if md5 not in inside and path.suffix != ".dir" and names_image(path, patient.image_ids):
            found[TABLES][md5] = path.stat().st_size
    return Held({kind: sizes for kind, sizes in found.items() if sizes}, _staying(study))


def _folders(study: Study) -> list[str]:
    return sorted(path.parent.name + path.name for path in study.cache.glob("??/*.dir"))


def _of_folder(
    study: Study, patient: Patient, files: Listing, raw: set[str], checkpoints: set[str]
) -> Iterator[tuple[str, str]]:
    """What of a folder holds the patient: kind and md5."""
    for below, card in _cards(study, files):
        if card["digest"] in checkpoints or ("training.parquet" in files and names(card["card"], patient)):
            yield from ((MODELS, files[below + name]) for name in card["card"]["weights"] if below + name in files)
            yield TABLES, files[below + CARD]
    if "ledger.parquet" in files and _pool_descends(study, patient, files["ledger.parquet"], checkpoints):
        yield from ((TABLES if name.endswith(NAMED) else SYNTHETIC, md5) for name, md5 in files.items())
        return
    own = {name: md5 for name, md5 in files.items() if Path(name).stem in patient.image_ids or md5 in raw}
    yield from ((IMAGES, md5) for md5 in own.values())
    for name, md5 in files.items():
        # a raw manifest knows nothing of image ids, but beside their files it has their rows
        if name.endswith(NAMED) and (own or names_image(study.cached(md5), patient.image_ids)):
            yield TABLES, md5


def _cards(study: Study, files: Listing) -> Iterator[tuple[str, dict[str, Any]]]:
    """The cards in a folder with what stands before their name: nothing, or the latent space that they speak for."""
    for name, md5 in files.items():
        if Path(name).name == CARD and (card := _read(study, md5)):
            yield name.removesuffix(CARD), card


def _read(study: Study, md5: str) -> dict[str, Any] | None:
    """A card from the cache with the digest of its checkpoint; None when it is damaged."""
    try:
        card = json.loads(study.cached(md5).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(card, dict) or not isinstance(card.get("weights"), dict):
        return None
    # as `cards.checkpoint_digest` has it, which reads folders; a cache has none
    return {"card": card, "digest": hashlib.sha256(json.dumps(card["weights"], sort_keys=True).encode()).hexdigest()}


def _checkpoints(study: Study, patient: Patient, folders: dict[str, Listing]) -> set[str]:
    models = [files for files in folders.values() if "training.parquet" not in files]
    cards = [card for files in models for _, card in _cards(study, files)]
    saw = {card["digest"] for card in cards if names(card["card"], patient)}
    return built_on({card["digest"]: card["card"] for card in cards}, saw)


def _pool_descends(study: Study, patient: Patient, md5: str, checkpoints: set[str]) -> bool:
    import pandas as pd

    try:
        ledger = pd.read_parquet(study.cached(md5), columns=["checkpoint", "condition_image_id"])
    except (OSError, ValueError):
        return False
    return bool((ledger["checkpoint"].isin(checkpoints) | ledger["condition_image_id"].isin(patient.image_ids)).any())


def _staying(study: Study) -> set[str]:
    """md5 of all that stages outside the rerun made: a phantom's raw images stay, whoever is withdrawn."""
    again = set(rerun(study))
    outs = {out: digest for name, stage in study.lock.items() if name not in again for out, digest in stage.outs.items()}
    return {md5 for out, digest in outs.items() for md5 in [digest, *(listing(study, out, digest) or {}).values()]}


def _size(study: Study, digest: str) -> int:
    try:
        return study.cached(digest).stat().st_size
    except OSError:
        return 0
