"""The grid: paired by seed, equal steps at every rate, nothing read of the test images but their pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from synthtrace.cards import read_card
from synthtrace.classify.grid import Collected, flip, train_grid
from synthtrace.classify.kept import save_kept
from synthtrace.classify.mixing import LabelledImages
from synthtrace.classify.scenarios import FoldData
from synthtrace.params import Params, parse_params

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def params() -> Params:
    tree: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["classifier"].update(seeds=2, steps=3, batch_size=8)
    return parse_params(tree)


def some(count: int, name: str, seed: int) -> LabelledImages:
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 100, (count, 1, 32, 32), dtype=np.uint8) + (labels * 120).astype(np.uint8)[:, None, None, None]
    return LabelledImages(images, labels, [f"{name}{n}" for n in range(count)])


def fold(mixed: Any = None) -> FoldData:
    return FoldData(0, some(10, "train", 0), some(6, "test", 1), [f"P{n // 2}" for n in range(6)], mixed)


def run(data: FoldData, params: Params, rate: float = 1.0) -> list[Any]:
    return list(train_grid([data], rate, params, CPU))


def test_the_same_data_and_seed_give_the_same_predictions(params: Params) -> None:
    first, second = run(fold(), params), run(fold(), params)
    assert all(a.predictions.equals(b.predictions) for a, b in zip(first, second, strict=True))
    assert not first[0].predictions["p1"].equals(first[1].predictions["p1"])


def test_scenarios_start_from_the_same_weights_and_take_equal_steps(params: Params) -> None:
    real = run(fold(), params)
    mixed = run(fold(lambda seed: some(20, "synthetic", 10 + seed)), params)
    assert [len(trained.losses) for trained in real + mixed] == [3] * 4
    still = params.model_copy(update={"classifier": params.classifier.model_copy(update={"learning_rate": 1e-30})})
    start_real = next(iter(train_grid([fold()], 0.0, still, CPU))).model.state_dict()
    start_mixed = next(iter(train_grid([fold(lambda seed: some(20, "s", 3))], 1.0, still, CPU))).model.state_dict()
    weights = [name for name in start_real if "running" not in name and "batches" not in name]
    assert all(torch.allclose(start_real[name], start_mixed[name], atol=1e-12) for name in weights)


def test_what_a_model_saw_is_what_its_loop_drew(params: Params) -> None:
    trained = run(fold(lambda seed: some(30, f"seed{seed}-", seed)), params)
    for one in trained:
        seen = set(one.training["image_id"])
        assert len(seen) == 24  # 3 steps of 8 out of 40, no image twice
        assert not any(image_id.startswith("test") for image_id in seen)
        other = f"seed{1 - one.seed}-"
        assert not any(image_id.startswith(other) for image_id in seen)


def test_predictions_are_probabilities_of_every_test_image(params: Params) -> None:
    (first, _) = run(fold(), params)
    assert first.predictions["image_id"].tolist() == [f"test{n}" for n in range(6)]
    assert np.allclose(first.predictions[["p0", "p1"]].sum(axis=1), 1)


def test_enough_steps_learn_an_easy_task(params: Params) -> None:
    longer = params.model_copy(update={"classifier": params.classifier.model_copy(update={"steps": 30, "seeds": 1})})
    (trained,) = run(fold(), longer)
    assert trained.losses[-1] < trained.losses[0]
    predicted = trained.predictions
    assert ((predicted["p1"] > 0.5) == (predicted["label"] == 1)).all()


def test_the_kept_model_is_the_first_and_names_the_patients_it_saw(params: Params, tmp_path: Path) -> None:
    collected = Collected()
    for trained in run(fold(), params):
        collected.add(trained)
    manifest = pd.DataFrame({"image_id": [f"train{n}" for n in range(10)], "patient_id": [f"P{n}" for n in range(10)]})
    assert collected.first is not None
    save_kept(tmp_path / "kept", "real", collected.first, pd.concat(collected.training), manifest, params)
    card = read_card(tmp_path / "kept")
    assert card["seed_index"] == 0
    assert "traditional_scale" not in card["params"]
    assert card["patient_ids"] == [f"P{n}" for n in range(10)]
    assert set(pd.read_parquet(tmp_path / "kept" / "training.parquet")["seed"]) == {0, 1}


def test_flips_mirror_about_half_of_a_batch() -> None:
    batch = torch.arange(2.0).expand(400, 1, 1, 2)
    flipped = (flip(batch, torch.Generator().manual_seed(0))[:, 0, 0, 0] == 1).float().mean().item()
    assert 0.4 < flipped < 0.6
