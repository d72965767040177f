"""What the parameters of every study begin with."""

from synthtrace.params.data import Compute
from synthtrace.params.types import Block, Natural


class Root(Block):
    """All of a study's params.yaml: the root of its random streams, how it computes, and the blocks of its stages."""

    seed: Natural
    compute: Compute
