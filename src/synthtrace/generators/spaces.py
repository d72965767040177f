"""Which latent spaces a study has: one that kinds share, and those that kinds have of their own."""

from synthtrace.params import KINDS, Autoencoder


def spaces(params: Autoencoder) -> list[str]:
    """Names of the latent spaces, the folders below `data/autoencoders/pretrained` and `data/autoencoders/fold<k>`.

    They follow from `autoencoder.kinds` alone, not from the kinds that a study has: another kind of generator in a space that
    is there makes no autoencoder again. When every family has a space of its own there is none to share.
    """
    return sorted({params.space(kind) for kind in KINDS})
