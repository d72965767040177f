"""What paper 2 (Saragih 2023) states in its Tables 1 to 6, typed from its text."""

from typing import NamedTuple

Cell = tuple[str, float | None, int | None, int | None]
Pair = tuple[float, float]

KINDS = {
    "Real": "real",
    "GAN": "gan",
    "Diff": "diff",
    "Styled-Diff": "styled_diff",
    "Full-Diff": "full_diff",
    "Full-Styled-Diff": "full_styled_diff",
}
# Tables 1 and 2: FID to the training images and MS-SSIM, of three sets; of the training images both stand once
QUALITY = {
    "Real": ("-4.412e-5", "0.1813"),
    "GAN": ("118.73, 119.45, 116.92", "0.1986, 0.2004, 0.2037"),
    "Diff": ("36.01, 37.90, 37.78", "0.2081, 0.2126, 0.2096"),
    "Styled-Diff": ("66.17, 65.48, 66.32", "0.2304, 0.2300, 0.2433"),
    "Full-Diff": ("40.59, 40.77, 40.27", "0.2030, 0.2058, 0.2078"),
    "Full-Styled-Diff": ("60.15, 59.98, 59.95", "0.1971, 0.1924, 0.1969"),
}
# from here on Dice loss and IoU. The first row of Tables 3 to 5 is one and the same
REAL: Pair = (0.1320, 0.8085)
# Table 3, by N = 1, 2, 3
ALONE: dict[str, tuple[Pair, ...]] = {
    "GAN": ((0.3447, 0.5790), (0.3447, 0.5790), (0.3447, 0.5790)),
    "Diff": ((0.3434, 0.5948), (0.3434, 0.5948), (0.3434, 0.5948)),
    "Styled-Diff": ((0.2556, 0.6840), (0.2272, 0.7027), (0.1958, 0.7396)),
    "Full-Diff": ((0.3189, 0.6149), (0.3403, 0.5983), (0.3915, 0.5501)),
    "Full-Styled-Diff": ((0.3486, 0.5751), (0.3923, 0.5534), (0.4351, 0.5213)),
}
ALPHA = 0.5
ADDED: dict[str, dict[str, Pair]] = {
    "4": {
        "GAN": (0.1873, 0.7613),
        "Diff": (0.1768, 0.7567),
        "Styled-Diff": (0.1764, 0.7644),
        "Full-Diff": (0.2044, 0.7568),
        "Full-Styled-Diff": (0.2006, 0.7716),
    },
    "5": {
        "GAN": (0.1394, 0.8015),
        "Diff": (0.1606, 0.7841),
        "Styled-Diff": (0.1284, 0.8084),
        "Full-Diff": (0.1425, 0.8013),
        "Full-Styled-Diff": (0.1450, 0.7902),
    },
}
# Table 6, by r = 1, 2, 3; real pairs alone stand once for each N, in the text in r = 2's columns
SMALL_REAL: dict[int, Pair] = {16: (0.6056, 0.5263), 32: (0.5580, 0.6201), 64: (0.4201, 0.6930), 128: (0.1768, 0.7982)}
SMALL: dict[int, dict[str, tuple[Pair, ...]]] = {
    16: {
        "Styled-Diff": ((0.4838, 0.5930), (0.4886, 0.5968), (0.5471, 0.6072)),
        "GAN": ((0.5165, 0.5658), (0.5003, 0.5762), (0.5243, 0.5863)),
    },
    32: {
        "Styled-Diff": ((0.4466, 0.6494), (0.3392, 0.6690), (0.2856, 0.6812)),
        "GAN": ((0.4136, 0.6326), (0.3413, 0.6609), (0.2695, 0.6765)),
    },
    64: {
        "Styled-Diff": ((0.2845, 0.7262), (0.2851, 0.7133), (0.2187, 0.7294)),
        "GAN": ((0.2420, 0.7184), (0.2976, 0.7142), (0.2493, 0.7098)),
    },
    128: {
        "Styled-Diff": ((0.1878, 0.7511), (0.2281, 0.7525), (0.2227, 0.7494)),
        "GAN": ((0.1770, 0.7536), (0.1900, 0.7513), (0.1927, 0.7511)),
    },
}


class Stated(NamedTuple):
    """A row of the paper: its name, our cell (kind, alpha, size, multiple), its figures and those of real pairs alone."""

    name: str
    cell: Cell
    figures: Pair
    real: Pair | None


def stated() -> dict[str, list[Stated]]:
    """The rows of Tables 3 to 6, in the paper's order."""
    real = Stated("Real", ("real", None, None, None), REAL, None)
    alone = [
        Stated(f"{name}-{multiple}", (KINDS[name], None, None, multiple), rows[multiple - 1], REAL)
        for multiple in (1, 2, 3)
        for name, rows in ALONE.items()
    ]
    found = {"3": [real, *alone]}
    for place, rows in ADDED.items():
        found[place] = [real, *(Stated(name, (KINDS[name], ALPHA, None, None), pair, REAL) for name, pair in rows.items())]
    found["6"] = []
    for size, block in SMALL.items():
        own = SMALL_REAL[size]
        found["6"].append(Stated(f"Real, N = {size}", ("real", None, size, None), own, None))
        found["6"] += [
            Stated(f"{name}, N = {size}, r = {multiple}", (KINDS[name], None, size, multiple), pair, own)
            for name, pairs in block.items()
            for multiple, pair in enumerate(pairs, 1)
        ]
    return found
