"""The mapping network: a latent vector and a label to the style w (Karras et al. 2020b, appendix D, for the label)."""

import torch

from synthtrace.generators.gan.layers import Linear, activate, unit

# its weights learn this much slower than the rest (Karras et al. 2019, appendix C)
RATE = 0.01


class Mapping(torch.nn.Module):
    """z (B, `dim`) and labels (B,) to w (B, `dim`): z and the label's embedding, each normalised, are concatenated."""

    def __init__(self, dim: int, layers: int, classes: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(classes, dim)
        self.layers = torch.nn.ModuleList(Linear(dim if layer else 2 * dim, dim, RATE) for layer in range(layers))

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Map."""
        w = torch.cat([unit(z), unit(self.embedding(labels))], dim=1)
        for layer in self.layers:
            w = activate(layer(w))
        return w
