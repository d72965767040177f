"""Device, threads and determinism of a stage's computations."""

import os
import random

import numpy as np
import torch

from synthtrace.params import Compute


def set_up(compute: Compute) -> torch.device:
    """Apply `compute` to this process and return the device; algorithms are deterministic from here on."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(compute.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    if compute.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(compute.device)


def seed_everything(seed: int) -> None:
    """Seed the global generators of python, numpy and torch: layers are initialised and dropped out from them."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator(seed: int) -> torch.Generator:
    """A torch generator of its own, on the CPU: its noise is the same for every device and batch size."""
    return torch.Generator().manual_seed(seed)
