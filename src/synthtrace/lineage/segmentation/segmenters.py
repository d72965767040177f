"""What segmenters drew, what the kept ones say of it, and on which images they were scored."""

from collections.abc import Iterator

import pandas as pd

from synthtrace.cards import CARD
from synthtrace.folds.units import units_of
from synthtrace.lineage.checkpoints import checkpoint_folders, read_card, wrong_weights
from synthtrace.lineage.drawn import training_only
from synthtrace.lineage.findings import Finding, fail, listed
from synthtrace.lineage.roles import Sides
from synthtrace.lineage.segmentation.study import SEGMENTERS, PairStudy
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.segment.recipes import Recipe, recipes_of
from synthtrace.segment.tables import read_drawn, read_scores


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


def kept_network(study: PairStudy, item: str) -> Iterator[Finding]:
    """An item's kept network has the weights that its card names, which says what its training drew; none where none ran."""
    folder = f"{SEGMENTERS}/{item}"
    place, drawn = study.path(folder), read_drawn(study.path(folder))
    if not checkpoint_folders(study, folder):
        if len(drawn):
            yield fail(f"{folder}: holds no network; expected that of the first of its trainings")
        return
    card = read_card(place)
    yield from (fail(f"{folder}/{problem}") for problem in wrong_weights(place, card))
    told = drawn.loc[(drawn["recipe"] == card.get("recipe")) & (drawn["seed"] == card.get("seed_index")), "image_id"]
    if other := sorted(set(told.astype(str)) ^ {str(one) for one in card["image_ids"]}):
        yield fail(f"{folder}/{CARD}: image_ids and what training.parquet says of its training differ in {listed(other, 3)}")


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
        groups = units_of(study.manifest, study.params.dataset.patient_ids)
        known = dict(zip(study.manifest["image_id"].astype(str), groups, strict=True))
    rows = table[["image_id", "group_id"]].drop_duplicates().astype(str)
    for image_id, group in zip(rows["image_id"], rows["group_id"], strict=True):
        if known.get(image_id, group) != group:
            yield fail(f"{name}: image {image_id!r} stands in the group {group!r}; expected {known[image_id]!r}")
