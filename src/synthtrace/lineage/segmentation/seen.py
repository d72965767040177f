"""Who may learn from whom in the segmentation study: clusters, generators, those of small sets too, and their pools."""

from collections.abc import Iterator

import pandas as pd

from synthtrace.cards import CARD
from synthtrace.errors import InputError
from synthtrace.lineage.checkpoints import read_card
from synthtrace.lineage.findings import Finding, fail, listed
from synthtrace.lineage.roles import Sides
from synthtrace.lineage.run import with_columns
from synthtrace.lineage.segmentation.study import FOLD, PairStudy
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set

CLUSTERS = f"data/clusters/fold{FOLD}/clusters.csv"


def clusters_of(study: PairStudy) -> dict[str, int]:
    """The cluster of each image of clusters.csv; raises InputError when it cannot be read."""
    path = study.path(CLUSTERS)
    try:
        table = with_columns(pd.read_csv(path, dtype={"image_id": str}), path, ["image_id", "cluster"])
        return dict(zip(table["image_id"], table["cluster"].astype(int), strict=True))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error})") from None


def clustered(study: PairStudy, side: Sides) -> Iterator[Finding]:
    """clusters.csv has every training image and no other."""
    found = set(clusters_of(study))
    if wrong := sorted(found - side.train):
        yield fail(f"{CLUSTERS}: has {side.shown(wrong)}; expected training images alone")
    if lost := sorted(side.train - found):
        yield fail(f"{CLUSTERS}: lacks {side.shown(lost)}; expected every training image")


def may_see(study: PairStudy, kind: str, side: Sides) -> frozenset[str]:
    """The training pairs that the generator behind a pool may see: all, those of its small set, or none of too large one."""
    size, base = study.of_kind(kind).size, study.base(kind)
    if size is None:
        return side.train
    if size > len(side.train):
        return frozenset()
    seed = study.ran(f"data/generators/{base}/fold{side.fold}").seed
    return frozenset(small_set(sorted(side.train), size, Seeds(seed)))


def generator_saw(study: PairStudy, kind: str, side: Sides) -> Iterator[Finding]:
    """Each model of a generator was given the pairs that it is to learn from, and drew no others."""
    name = f"data/generators/{kind}/fold{side.fold}/{CARD}"
    card, allowed = read_card(study.generator(kind, side.fold)), may_see(study, kind, side)
    clusters = clusters_of(study) if study.of_kind(kind).family == "diff" else {}
    models = card.get("models")
    if not isinstance(models, dict) or (allowed and not models):
        raise InputError(f"{name}: expected `models`, what each of them was given and drew, by folder")
    drew: set[str] = set()
    for model, told in models.items():
        try:
            given, drawn, cluster = set(told["given"]), set(told["image_ids"]), told["cluster"]
        except (KeyError, TypeError):
            raise InputError(f"{name}: models.{model}: expected `given`, `image_ids` and `cluster`") from None
        drew |= drawn
        if wrong := sorted(given - allowed):
            yield fail(f"{name}: {model} was given {side.shown(wrong)}; expected pairs of {_set(study, kind)}")
        if wrong := sorted(drawn - given):
            yield fail(f"{name}: {model} drew {listed(wrong, 3)}, which it was not given")
        own = {image_id for image_id in allowed if clusters.get(image_id) == cluster} if clusters else None
        if own is not None and given != own:
            yield fail(
                f"{name}: {model} was given {listed(sorted(given ^ own), 3)} or not; expected the pairs of cluster {cluster}"
            )
        if study.of_kind(kind).family == "gan" and given != {model}:
            yield fail(f"{name}: {model} was given {listed(sorted(given), 3)}; expected the pair of its name")
    if drew != set(card["image_ids"]):
        yield fail(f"{name}: image_ids and what its models drew differ in {listed(sorted(drew ^ set(card['image_ids'])), 3)}")


def sources_seen(study: PairStudy, kind: str, side: Sides) -> Iterator[Finding]:
    """Pairs of a pool were made from such as its generator may see."""
    sources = study.ledger(kind, side.fold)["condition_image_id"].dropna().astype(str)
    if wrong := sorted(set(sources) - may_see(study, kind, side)):
        name = f"data/pools/{kind}/fold{side.fold}/ledger.parquet"
        yield fail(f"{name}: was made from {side.shown(wrong)}; expected pairs of {_set(study, kind)}")


def _set(study: PairStudy, kind: str) -> str:
    size = study.of_kind(kind).size
    return "the training set" if size is None else f"the small set of {size}"
