"""Device, threads and determinism of a stage's computations."""

import os
import random

import numpy as np
import torch

from synthtrace.errors import InputError
from synthtrace.stage import Stage


def set_up(run: Stage) -> torch.device:
    """Apply a stage's `compute` parameters to this process, note the device for its record, and return it.

    Algorithms are deterministic from here on. Raises InputError when a GPU is asked for and there is none.
    """
    compute = run.params.compute
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    there = torch.cuda.is_available()
    if compute.device == "cuda" and not there:
        raise InputError("compute.device: 'cuda', but PyTorch finds no GPU here; expected 'auto' or 'cpu'")
    device = torch.device("cpu" if compute.device == "cpu" or not there else "cuda")
    run.facts["device"] = torch.cuda.get_device_name(device) if there and device.type == "cuda" else "cpu"
    run.facts["deterministic"] = torch.are_deterministic_algorithms_enabled() and not torch.backends.cudnn.benchmark
    return device


def precision(wanted: str, device: torch.device) -> str:
    """The number format that a training has on a device: `compute.precision` on a GPU, always float32 on a CPU."""
    return wanted if device.type == "cuda" else "float32"


def seed_everything(seed: int) -> None:
    """Seed the global generators of python, numpy and torch: layers are initialised and dropped out from them."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(seed: int) -> torch.Generator:
    """A torch generator of its own, on the CPU: its noise is the same for every device and batch size."""
    return torch.Generator().manual_seed(seed)
