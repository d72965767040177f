"""The phantom of lesions: its bytes, its classes, and that it is neither trivial nor hopeless to segment."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from synthtrace.digests import folder_entries
from synthtrace.images import read_image
from synthtrace.params.lesions import SimulateLesions
from synthtrace.preprocess.pairs import squashed_mask
from synthtrace.preprocess.random_crop import resized
from synthtrace.scans.lesions import simulate_lesions, simulate_pair
from synthtrace.seeds import Seeds

SIMULATE = SimulateLesions(centres=3, images=8, empty_share=0.25)
SIDE = 32


def files(folder: Path, simulate: SimulateLesions = SIMULATE, seed: int = 7) -> dict[str, str]:
    simulate_lesions(folder, simulate, Seeds(seed))
    return {entry["relpath"]: entry["md5"] for entry in folder_entries(folder)}


def test_the_same_seed_gives_the_same_bytes_and_another_others(tmp_path: Path) -> None:
    first, again, other = files(tmp_path / "a"), files(tmp_path / "b"), files(tmp_path / "c", seed=8)
    assert first == again
    assert len(first) == 2 * 24 + 1
    images = [name for name in first if name.startswith("images/")]
    assert not any(first[name] == other[name] for name in images)
    assert len({first[name] for name in images}) == 24


def test_another_centre_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    fewer, more = files(tmp_path / "a"), files(tmp_path / "b", SIMULATE.model_copy(update={"centres": 4}))
    assert all(more[name] == md5 for name, md5 in fewer.items() if name != "manifest.csv")
    assert len(more) == len(fewer) + 16


def test_the_table_names_pairs_by_centre_and_patient(tmp_path: Path) -> None:
    table = simulate_lesions(tmp_path / "set", SIMULATE, Seeds(7))
    assert table["label"].tolist() == table["group_id"].tolist() == ["C1"] * 8 + ["C2"] * 8 + ["C3"] * 8
    assert table["patient_id"].value_counts().unique().tolist() == [2]
    assert table["path"].is_unique
    assert table["mask_path"].is_unique
    masks = [read_image(tmp_path / "set" / path) for path in table["mask_path"]]
    assert {mask.shape for mask in masks} == {(96, 120)}
    assert {read_image(tmp_path / "set" / path).shape for path in table["path"]} == {(96, 120, 3)}
    assert {level for mask in masks for level in np.unique(mask).tolist()} == {0, 255}
    empty = table.assign(empty=[not mask.any() for mask in masks]).groupby("label")["empty"].sum()
    assert empty.tolist() == [2, 2, 2]


def test_lesions_are_of_many_sizes_and_within_the_limits() -> None:
    masks = [simulate_pair(Seeds(5), centre, number, False)[1] for centre in range(4) for number in range(25)]
    areas = [(mask > 0).mean() for mask in masks]
    assert min(areas) > 0.005
    assert max(areas) < 0.4
    assert max(areas) > 8 * min(areas)


def test_centres_differ_in_tint_more_than_their_images_do() -> None:
    tints = np.array(
        [
            [simulate_pair(Seeds(5), centre, number, False)[0].reshape(-1, 3).mean(0) for number in range(8)]
            for centre in range(4)
        ]
    )
    tints = tints / tints.sum(axis=2, keepdims=True)
    between, within = tints.mean(axis=1).std(axis=0), tints.std(axis=1).mean(axis=0)
    assert (between > 2 * within).any()


@pytest.mark.parametrize("wrong", [{"centres": 1}, {"images": 0}, {"empty_share": 1}, {"empty_share": -0.1}, {"size": 64}])
def test_impossible_phantoms_are_refused(wrong: dict) -> None:
    with pytest.raises(ValidationError):
        SimulateLesions(**SIMULATE.model_dump() | wrong)


def stacked(numbers: range) -> tuple[torch.Tensor, torch.Tensor]:
    """Images in [-1, 1] and masks, of two centres."""
    pairs = [simulate_pair(Seeds(3), centre, number, False) for number in numbers for centre in (0, 1)]
    images = np.stack([resized(image, SIDE).transpose(2, 0, 1) for image, _ in pairs])
    masks = np.stack([squashed_mask(mask, SIDE)[None] > 0 for _, mask in pairs])
    return torch.tensor(images / 127.5 - 1, dtype=torch.float32), torch.tensor(masks)


def overlap(found: torch.Tensor, masks: torch.Tensor) -> float:
    """Mean over images of intersection over union."""
    return float(((found & masks).sum((1, 2, 3)) / (found | masks).sum((1, 2, 3)).clamp(min=1)).mean())


def block(inputs: int, outputs: int) -> nn.Sequential:
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(4, outputs), nn.ReLU())


class SmallUNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([block(3, 16), block(16, 32), block(32, 32)])
        self.up = nn.ModuleList([block(64, 32), block(48, 16)])
        self.head = nn.Conv2d(16, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        fine = self.down[0](images)
        middle = self.down[1](nn.functional.max_pool2d(fine, 2))
        coarse = self.down[2](nn.functional.max_pool2d(middle, 2))
        merged = self.up[0](torch.cat([nn.functional.interpolate(coarse, scale_factor=2), middle], 1))
        return self.head(self.up[1](torch.cat([nn.functional.interpolate(merged, scale_factor=2), fine], 1)))


def test_a_small_network_learns_what_no_threshold_finds() -> None:
    (images, masks), (unseen, truth) = stacked(range(32)), stacked(range(100, 116))
    scores = [unseen.mean(1, keepdim=True), *unseen.split(1, dim=1), unseen[:, :1] - unseen[:, 1:2]]
    levels = np.linspace(-1.2, 1.2, 49).tolist()
    by_threshold = max(overlap(sign * score > level, truth) for score in scores for sign in (1, -1) for level in levels)

    torch.manual_seed(0)
    network, draw = SmallUNet(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(150):
        some = torch.randint(len(images), (8,), generator=draw)
        logits, wanted = network(images[some]), masks[some].float()
        chance = logits.sigmoid()
        dice = 1 - (2 * (chance * wanted).sum() + 1) / (chance.sum() + wanted.sum() + 1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, wanted) + dice
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        by_network = overlap(network(unseen) > 0, truth)
    assert by_threshold < 0.25
    assert by_network > by_threshold + 0.1
