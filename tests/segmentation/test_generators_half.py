"""From training pairs to selected ones: what generators saw, what pools hold, and that any pair can be drawn again."""

import dataclasses

import numpy as np
import pytest
import torch
from small_study import CPU, KINDS, SIDE, SmallStudy, parameters

from synthtrace.cards import checkpoint_digest
from synthtrace.errors import InputError
from synthtrace.generators.pair_generators import Trained, train
from synthtrace.generators.pairs.repaint import dilated, dilation
from synthtrace.images import file_sha256, pixel_hash, to_pixels, write_image
from synthtrace.pair_tables import OF_PAIRS, read_pair_ledger, write_pair_ledger
from synthtrace.pools.pairs import drawer, plan_pool
from synthtrace.pools.replay_pairs import maker, redrawn
from synthtrace.pools.styled import plan_styled
from synthtrace.quality.gate import judge
from synthtrace.quality.suites import selection
from synthtrace.quality.suites.pairs import measure_pools, pool_suites
from synthtrace.seeds import Seeds
from synthtrace.segment.pairs import small_set
from synthtrace.tables import LEDGER, read_folds, read_manifest, read_selection

POOLS = [*KINDS, "styled_diff"]
SMALL_KIND = "full_diff_n4"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    torch.set_num_threads(1)
    made = SmallStudy(tmp_path_factory.mktemp("segmentation"))
    for kind in KINDS:
        made.generate(kind)
    made.style("styled_diff", "diff")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_names_what_was_drawn_and_the_digest_of_every_weight_file(study, kind):
    folder, card = study.root / f"data/generators/{kind}/fold0", study.card(kind)
    manifest = study.training.rows.set_index("image_id")
    assert card["image_ids"] == sorted(set().union(*(one["image_ids"] for one in card["models"].values())))
    assert card["patient_ids"] == sorted(manifest.loc[card["image_ids"], "patient_id"])
    files = {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*.safetensors")}
    assert card["weights"] == files
    assert len(files) == len(card["models"])
    assert (card["kind"], card["fold"], card["steps"]) == (kind, 0, sum(one["steps"] for one in card["models"].values()))
    assert not (set(card["image_ids"]) & {"C1_6", "C2_6"})


def test_models_of_clusters_see_their_cluster_each_and_together_the_training_set(study):
    card = study.card("diff")
    assert sorted(card["models"]) == ["cluster0", "cluster1", "cluster2"]
    for name, one in card["models"].items():
        own = sorted(image_id for image_id, cluster in study.clusters.items() if f"cluster{cluster}" == name)
        assert one["image_ids"] == one["given"] == own
    assert card["image_ids"] == sorted(study.training.image_ids)


def test_a_small_set_is_seen_and_painted_alone(study):
    own = sorted(small_set(study.training.image_ids, 4, Seeds(study.params.seed)))
    card = study.card(SMALL_KIND)
    assert card["image_ids"] == card["models"]["."]["given"] == own
    lesions = set(study.training.take(np.flatnonzero(study.training.lesions)).image_ids)
    assert set(study.pool(SMALL_KIND).rows["condition_image_id"]) == lesions & set(own)


def test_a_card_names_fewer_than_were_given_where_the_steps_did_not_draw_all(study, tmp_path):
    few = parameters(diffusion={"steps": 1, "batch_size": 2})
    card = train(study.job("full_diff", few), tmp_path / "generator")
    assert len(card["image_ids"]) == 2
    assert card["models"]["."]["given"] == sorted(study.training.image_ids)


def test_a_small_set_has_models_of_those_clusters_alone_in_which_it_has_pairs(study, tmp_path):
    job = study.job("diff_n4")
    card = train(job, tmp_path / "generator")
    assert card["models"].keys() == {f"cluster{cluster}" for cluster in job.clusters}
    assert card["image_ids"] == sorted(job.pairs.image_ids)
    assert job.tracker.curves.keys() == card["models"].keys()


def test_singan_has_a_model_a_pair_with_a_lesion(study):
    card = study.card("gan")
    assert card["models"].keys() == {name for name in study.training.image_ids if not name.endswith("_5")}
    assert all(one["image_ids"] == [name] for name, one in card["models"].items())


@pytest.mark.parametrize("pool", POOLS)
def test_ledger_rows_and_files_are_in_bijection_and_rows_say_what_was_done(study, pool):
    folder = study.root / f"data/pools/{pool}/fold0"
    ledger, of = read_pair_ledger(folder), study.params.generators.styled.get(pool, pool)
    assert list(ledger.columns[: len(LEDGER) + len(OF_PAIRS)]) == [*LEDGER, *OF_PAIRS]
    for part, column, digest in (("images", "path", "file_sha256"), ("masks", "mask_path", "mask_sha256")):
        assert sorted(ledger[column]) == sorted(f"{part}/{path.name}" for path in (folder / part).iterdir())
        assert [file_sha256(folder / path) for path in ledger[column]] == ledger[digest].tolist()
    assert ledger["image_id"].tolist() == [f"{pool}-f0-{index:05d}" for index in range(len(ledger))]
    assert set(ledger["checkpoint"]) == {checkpoint_digest(study.root / f"data/generators/{of}/fold0")}
    labels = study.training.rows.set_index("image_id")["label"]
    assert ledger["label"].tolist() == labels[ledger["condition_image_id"]].tolist()
    assert ledger["seed"].is_unique
    if of == "diff":
        assert ledger["cluster"].tolist() == [study.clusters[source] for source in ledger["condition_image_id"]]
        assert (ledger.groupby("batch")["cluster"].nunique() == 1).all()
    else:
        assert ledger["cluster"].isna().all()
    told = {"gan": ("singan", len(study.params.singan.sides(SIDE))), "styled_diff": ("style", 2)}.get(pool, ("repaint", 6))
    assert set(zip(ledger["sampler"], ledger["steps"], strict=True)) == {told}


@pytest.mark.parametrize("kind", ["diff", "full_diff", "gan"])
def test_pairs_without_lesion_have_no_rows_and_every_other_pair_as_many_as_asked_for(study, kind):
    counts = study.pool(kind).rows["condition_image_id"].value_counts()
    assert set(counts.index) == {name for name in study.training.image_ids if not name.endswith("_5")}
    assert set(counts) == {2}


@pytest.mark.parametrize("kind", ["diff", "full_diff"])
def test_an_inpainted_pair_is_its_source_outside_the_painted_region(study, kind):
    pool = study.pool(kind)
    sources = study.training.of(pool.rows["condition_image_id"])
    outside = ~dilated(sources.masks, dilation(SIDE, study.params.inpainting.dilation))
    np.testing.assert_array_equal(np.where(outside, pool.images, 0), np.where(outside, sources.images, 0))
    assert all((image != source).any() for image, source in zip(pool.images, sources.images, strict=True))


def test_styled_pairs_are_those_of_a_few_sources_and_keep_their_masks(study):
    styled, base = study.pool("styled_diff"), study.pool("diff")
    of = base.of(styled.rows["base_image_id"])
    np.testing.assert_array_equal(styled.masks, of.masks)
    assert all((image != other).any() for image, other in zip(styled.images, of.images, strict=True))
    sources = styled.rows["condition_image_id"]
    assert len(set(sources)) == 3
    assert sources.tolist() == of.rows["condition_image_id"].tolist()
    assert set(styled.rows["base_image_id"]) == set(base.rows.loc[base.rows["condition_image_id"].isin(sources), "image_id"])
    seeds, style = Seeds(study.params.seed), study.params.style
    more = plan_styled("styled_diff", 0, base.rows, style, 5, seeds)
    other = plan_styled("another", 0, study.pool("full_diff").rows, style, 3, seeds)
    assert set(sources) < set(more["condition_image_id"])
    assert set(other["condition_image_id"]) == set(sources)
    assert not set(other["seed"]) & set(styled.rows["seed"])


@pytest.mark.parametrize("pool", POOLS)
def test_a_pair_that_is_drawn_again_from_its_row_has_the_same_bytes(study, pool, tmp_path):
    folder = study.root / f"data/pools/{pool}/fold0"
    ledger = read_pair_ledger(folder)
    wanted = [ledger["image_id"].iloc[0], ledger["image_id"].iloc[-1]]
    again = list(redrawn(ledger, wanted, maker(study.root, pool, 0, study.params, CPU)))
    assert [image_id for image_id, *_ in again] == wanted
    for image_id, image, mask in again:
        row = ledger.set_index("image_id").loc[image_id]
        for array, digest in ((image, "file_sha256"), (mask, "mask_sha256")):
            write_image(tmp_path / "again.png", to_pixels(array))
            assert file_sha256(tmp_path / "again.png") == row[digest]


def test_another_seed_of_noise_paints_another_pair(study):
    ledger = study.pool("full_diff").rows
    wanted, own = ledger["image_id"].iloc[:1], maker(study.root, "full_diff", 0, study.params, CPU)
    ((_, image, _),) = redrawn(ledger, wanted, own)
    ((_, other, _),) = redrawn(ledger.assign(seed=ledger["seed"] + 1), wanted, own)
    assert (image != other).any()


def test_a_row_of_another_checkpoint_is_not_drawn_again(study):
    ledger = study.pool("gan").rows
    own = maker(study.root, "gan", 0, study.params, CPU)
    with pytest.raises(InputError, match="gan-f0-00000: its row names the checkpoint c0ffee; the generator has the digest"):
        list(redrawn(ledger.assign(checkpoint="c0ffee"), ["gan-f0-00000"], own))
    with pytest.raises(InputError, match="gan-f0-99999: the ledger has no such row"):
        list(redrawn(ledger, ["gan-f0-99999"], own))


@pytest.mark.parametrize("kind", ["diff", "gan"])
def test_a_batch_of_another_size_changes_a_pair_by_a_grey_level_at_most(study, kind):
    own, pool = drawer(study.root, kind, 0, study.params, CPU), study.pool(kind)
    if kind == "diff":
        own = dataclasses.replace(own, inpainting=own.inpainting.model_copy(update={"batch_size": 1}))
    images, _ = own.draw(pool.rows[pool.rows["batch"] == 0])
    count = len(images)
    assert count > 1
    apart = np.abs(images.astype(int) - pool.images[:count].astype(int))
    assert apart.max() <= (1 if kind == "diff" else 0)


def test_the_noise_of_a_pair_depends_neither_on_other_pairs_nor_on_how_many_are_drawn(study):
    trained = Trained(study.root / "data/generators/full_diff/fold0", CPU)
    more = parameters(inpainting={"samples": 3, "batch_size": 5})
    seeds = {}
    for name, params in (("few", study.params), ("more", more)):
        plan = plan_pool("full_diff", 0, trained, study.training, params)
        sample = plan.groupby("condition_image_id").cumcount()
        seeds[name] = set(zip(plan["condition_image_id"], sample, plan["seed"], strict=True))
    assert seeds["few"] < seeds["more"]


def test_empty_generated_masks_are_dropped_and_counted(study, tmp_path):
    before, changed = study.score("gan"), study.copied(tmp_path / "study")
    pool = changed.root / "data/pools/gan/fold0"
    ledger = read_pair_ledger(pool)
    row, mask = int(np.flatnonzero(study.pool("gan").lesions)[0]), np.zeros((SIDE, SIDE), dtype=np.uint8)
    write_image(pool / ledger["mask_path"][row], mask)
    ledger.loc[row, ["mask_hash", "mask_sha256"]] = pixel_hash(mask), file_sha256(pool / ledger["mask_path"][row])
    write_pair_ledger(pool, ledger)
    assert changed.score("gan")["empty_masks"] == before["empty_masks"] + 1
    chosen = read_selection(changed.root / "data/selected/gan/fold0")
    assert chosen["image_id"].tolist() == ledger["image_id"].tolist()
    assert chosen["empty"][row]
    assert not chosen["kept"][row]
    assert not failed(changed, "gan")


@pytest.mark.parametrize("pool", POOLS)
def test_gates_are_open_on_what_was_drawn_and_selected(study, pool):
    assert not failed(study, pool)


def failed(study, pool):
    """Expectations of both gates that failed, but for warnings."""
    stands = [study.root / f"data/{stand}" for stand in ("pools", "scored", "selected")]
    manifest, folds = read_manifest(study.crops), read_folds(study.root / "data/folds/folds.csv")
    params = study.params
    drawn = measure_pools(*stands, manifest, folds, [pool], params.dataset.labels)
    chosen = selection.measure(*stands, manifest, folds, pool, params.dataset.labels)
    verdicts = [
        judge("pools", "digest", drawn, pool_suites(SIDE, 3, params.masks)),
        judge("selection", "digest", chosen, selection.expected(params)),
    ]
    return [
        (one["name"], one["failing_rows"])
        for verdict in verdicts
        for one in verdict["expectations"]
        if not one["pass"] and one["severity"] == "error"
    ]
