"""Who may learn from whom in the segmentation study: clusters, generators of small sets, pools, segmenters, scores."""

from collections.abc import Iterator

import pandas as pd

from synthtrace.cards import CARD
from synthtrace.errors import InputError
from synthtrace.lineage.checkpoints import read_card
from synthtrace.lineage.drawn import training_only
from synthtrace.lineage.findings import Finding, fail, listed
from synthtrace.lineage.roles import Sides
from synthtrace.lineage.run import with_columns
from synthtrace.lineage.segmentation.study import FOLD, SEGMENTERS, PairStudy
from synthtrace.quality.measure import grouping
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.segment.recipes import Recipe, recipes_of
from synthtrace.segment.tables import read_drawn, read_scores

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
    """The training pairs that the generator behind a pool may see: all of them, or those of its small set."""
    size, base = study.of_kind(kind).size, study.base(kind)
    if size is None:
        return side.train
    seed = study.ran(f"data/generators/{base}/fold{side.fold}").seed
    return frozenset(small_set(sorted(side.train), size, Seeds(seed)))


def generator_saw(study: PairStudy, kind: str, side: Sides) -> Iterator[Finding]:
    """Each model of a generator was given the pairs that it is to learn from, and drew no others."""
    name = f"data/generators/{kind}/fold{side.fold}/{CARD}"
    card, allowed = read_card(study.generator(kind, side.fold)), may_see(study, kind, side)
    clusters = clusters_of(study) if study.of_kind(kind).family == "diff" else {}
    models = card.get("models")
    if not isinstance(models, dict) or not models:
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


def drawn_by_segmenters(study: PairStudy, item: str, side: Sides) -> Iterator[Finding]:
    """What trainings drew: real training pairs, of a small set those of the set, and pairs of the item's pool made of these."""
    folder = f"{SEGMENTERS}/{item}"
    name, drawn, params = f"{folder}/training.parquet", read_drawn(study.path(folder)), study.ran(folder)
    recipes = {one.name: one for one in recipes_of(params.mixes, study.params.kinds)}
    real = set(study.manifest["image_id"].astype(str))
    sources = _sources(study, item, side)
    for recipe, rows in drawn.groupby("recipe", sort=False):
        what = f"{name}: {recipe!r} drew"
        if recipe not in recipes or recipes[str(recipe)].pool != item:
            yield fail(f"{name}: holds the recipe {recipe!r}, which is none of the trainings of {item}")
            continue
        if (rows["fold"] != side.fold).any():
            yield fail(f"{name}: {recipe!r} was trained in fold {rows['fold'].max()}; expected fold {side.fold}")
        pairs = rows[["image_id", "source_image_id"]].drop_duplicates().astype(str)
        own = pairs["image_id"].isin(real)
        learnt = pairs.loc[own, "image_id"]
        yield from training_only(what, learnt[~learnt.isin(side.train)], side)
        made = pairs["image_id"].map(sources).where(~own, pairs["image_id"])
        if (strange := pairs.loc[made.isna(), "image_id"]).size:
            yield fail(
                f"{what} {listed(strange, 3)}; expected training pairs{f' and pairs of the pool {item}' if sources else ''}"
            )
        if (other := pairs.loc[made.notna() & (made != pairs["source_image_id"]), "image_id"]).size:
            yield fail(f"{name}: source_image_id of {listed(other, 3)} is not the pair that it was made from")
        yield from _small(what, recipes[str(recipe)], set(made.dropna()), side, params.seed)
    scored = read_scores(study.path(f"data/predictions/{item}.parquet"))[["recipe", "seed"]].drop_duplicates()
    both = scored.merge(drawn[["recipe", "seed"]].drop_duplicates(), how="left", indicator=True)
    for row in both[both["_merge"] == "left_only"].itertuples():
        yield fail(f"{name}: no row says what {row.recipe!r}, seed {row.seed}, drew; its scores are there")


def _sources(study: PairStudy, item: str, side: Sides) -> dict[str, str]:
    """The real pair that each pair of the item's pool was made from; nothing for `real`."""
    if item not in study.kinds:
        return {}
    ledger = study.ledger(item, side.fold)
    return dict(zip(ledger["image_id"].astype(str), ledger["condition_image_id"].astype(str), strict=True))


def _small(what: str, recipe: Recipe, sources: set[str], side: Sides, seed: int) -> Iterator[Finding]:
    if recipe.size is not None:
        wrong = sorted(sources - set(small_set(sorted(side.train), recipe.size, Seeds(seed))))
        if wrong:
            yield fail(f"{what} {side.shown(wrong)}, or made of it; expected pairs of the small set of {recipe.size}")


def scores_apart(study: PairStudy, item: str, side: Sides) -> Iterator[Finding]:
    """Every training scored each test image once, and nothing else, under its own group."""
    name = f"data/predictions/{item}.parquet"
    table = read_scores(study.path(name))
    if wrong := sorted(set(table["image_id"].astype(str)) - side.test):
        yield fail(f"{name}: scores {side.shown(wrong)}; expected test images alone")
    if (table["fold"] != side.fold).any():
        yield fail(f"{name}: holds scores of fold {table['fold'].max()}; expected fold {side.fold} alone")
    for (recipe, seed), rows in table.groupby(["recipe", "seed"]):
        ids = rows["image_id"].astype(str)
        if (twice := ids[ids.duplicated()]).size:
            yield fail(f"{name}: {recipe!r}, seed {seed}, scores {listed(twice, 3)} more than once")
        if left := sorted(side.test - set(ids)):
            yield fail(f"{name}: {recipe!r}, seed {seed}, does not score {listed(left, 3)}; expected every test image once")
    yield from _groups(study, name, table, side)


def _groups(study: PairStudy, name: str, table: pd.DataFrame, side: Sides) -> Iterator[Finding]:
    if study.params.dataset.patient_ids == "manifest":
        known = side.patient
    elif study.evidence:
        return  # of the crops' manifest, which says who stands together, evidence keeps nothing
    else:
        groups = grouping(study.manifest, study.params.dataset.patient_ids).astype(str)
        known = dict(zip(study.manifest["image_id"].astype(str), groups, strict=True))
    rows = table[["image_id", "group_id"]].drop_duplicates().astype(str)
    for image_id, group in zip(rows["image_id"], rows["group_id"], strict=True):
        if known.get(image_id, group) != group:
            yield fail(f"{name}: image {image_id!r} stands in the group {group!r}; expected {known[image_id]!r}")
