"""Inception v3 as torch-fidelity has it: loaded from a file that the test makes."""

import pickle
import urllib.error
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity import feature_extractor_inceptionv3 as port

from synthtrace.errors import InputError
from synthtrace.fidelity import inception
from synthtrace.images import file_sha256

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of the architecture: its own modules, saved as the published file is."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port, "load_state_dict_from_url", lambda *_args, **_kwargs: {})
        patch.setattr(port.FeatureExtractorInceptionV3, "load_state_dict", lambda *_args, **_kwargs: None)
        torch.save(port.FeatureExtractorInceptionV3("any", ["2048"]).state_dict(), path)
    return path


def images(count: int, channels: int) -> np.ndarray:
    grey = np.random.default_rng(0).integers(0, 256, (count, 1, 32, 32), dtype=np.uint8)
    return np.ascontiguousarray(grey.repeat(channels, axis=1))


def test_a_local_file_of_weights_is_loaded_and_named_by_its_digest(weights):
    network = inception.load(str(weights), CPU)
    assert network.sha256 == file_sha256(weights)
    assert torch.equal(network.network.fc.weight, torch.load(weights)["fc.weight"])
    assert not network.network.training


def test_features_and_logits_are_torch_fidelitys_whatever_the_batch_and_grey_is_three_equal_channels(weights, monkeypatch):
    network = inception.load(str(weights), CPU)
    features, logits = network.look(images(3, 1))
    assert features.shape == (3, 2048)
    assert logits.shape == (3, 1008)
    assert features.std(axis=0).max() > 0
    direct = port.FeatureExtractorInceptionV3("any", ["2048", "logits_unbiased"], str(weights))(torch.from_numpy(images(3, 3)))
    np.testing.assert_array_equal(features, direct[0])
    np.testing.assert_array_equal(logits, direct[1])
    monkeypatch.setattr(inception, "BATCH", 2)
    np.testing.assert_allclose(network.look(images(3, 3))[0], features, rtol=1e-4, atol=1e-5)


def test_a_missing_file_is_an_error_naming_the_parameter():
    with pytest.raises(
        InputError, match=r"fidelity\.inception: '/nowhere/x\.pth': no such file; expected null, a reachable hub"
    ):
        inception.load("/nowhere/x.pth", CPU)


def test_weights_of_another_network_and_no_weights_are_refused(tmp_path):
    other, broken = tmp_path / "other.pth", tmp_path / "broken.pth"
    torch.save({"layer.weight": torch.zeros(3)}, other)
    broken.write_bytes(b"no weights")
    for path in (other, broken):
        with pytest.raises(InputError, match=r"fidelity\.inception: '.*' cannot be loaded \(.*expected null, a reachable hub"):
            inception.load(str(path), CPU)


class Rogue:
    """Runs code when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def test_code_in_a_weights_file_is_never_run(tmp_path):
    path, target = tmp_path / "rogue.pth", tmp_path / "ran"
    path.write_bytes(pickle.dumps(Rogue(target), protocol=2))
    with pytest.raises(InputError, match=r"fidelity\.inception"):
        inception.load(str(path), CPU)
    assert not target.exists()


def test_a_hub_out_of_reach_is_an_error_naming_the_parameter(monkeypatch):
    def unreachable(*_args, **_kwargs):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(port, "load_state_dict_from_url", unreachable)
    with pytest.raises(InputError, match=r"fidelity\.inception: 'hub' cannot be loaded .*no route"):
        inception.load("hub", CPU)


def test_weights_from_the_hub_are_named_by_the_digest_of_the_file_that_it_left(weights, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    downloaded = tmp_path / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    downloaded.parent.mkdir()
    downloaded.write_bytes(weights.read_bytes())
    monkeypatch.setattr(torch.hub, "download_url_to_file", None)
    assert inception.load("hub", CPU).sha256 == file_sha256(weights)
