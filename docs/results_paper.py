"""What paper 0 (Hardy et al. 2023) states, typed from its text: the only figures of docs/results.md that are."""

from typing import Any, NamedTuple

from results_cells import number, table


class Published(NamedTuple):
    """Mean AUC of a partly frozen backbone on real images and with semantic ones at r = 1.5, images and patients."""

    backbone: str
    real: tuple[float, float]
    semantic: tuple[float, float]


RATE = 1.5
AUCS = (
    Published("ResNet-50", real=(0.861, 0.907), semantic=(0.882, 0.918)),
    Published("EfficientNet v1", real=(0.871, 0.896), semantic=(0.884, 0.908)),
    Published("EfficientNet v2", real=(0.864, 0.932), semantic=(0.879, 0.927)),
)
T_TEST = "ResNet-50, images, paired t-test over 25 seeds: t = -12.39 (the sign is that of real minus semantic), p = 6.43e-12"

# what, the figure, its place
QUALITY = (
    ("IS, semantic, balanced classes", "1.79 healthy, 1.81 unhealthy", "Results, image quality"),
    ("IS, class, balanced classes", "1.84 healthy, 1.89 unhealthy", "Results, image quality"),
    ("FID, semantic, balanced classes", "104.83 healthy, 72.95 unhealthy", "Results, image quality"),
    ("FID, class, balanced classes", "104.29 healthy, 69.77 unhealthy", "Results, image quality"),
    ("best IS, diffusion against GANs", "1.90, 1.67", "Abstract"),
    ("best FID, diffusion against GANs", "69.45, 100.05", "Abstract"),
    ("best AUC of a seed, EfficientNet v1, mixed", "0.904", "Abstract"),
)


def _family(backbone: str) -> str | None:
    """The paper's name for the family of a timm model, as far as the paper has it."""
    if "efficientnet" in backbone:
        return "EfficientNet v2" if "efficientnetv2" in backbone else "EfficientNet v1"
    return "ResNet-50" if backbone.startswith("resnet") else None


def beside_curve(run: dict[str, Any], point: dict[str, Any]) -> str:
    """The paper's figures for a point of a curve, with its own backbone's name; empty where it states none."""
    family = _family(run["backbone"])
    if run["freezing"] != "partial" or run["balanced"]:
        return ""
    for published in AUCS:
        if published.backbone == family and point["scenario"] == "real":
            pair = published.real
        elif published.backbone == family and point["scenario"] == "semantic" and point["mixing_rate"] == RATE:
            pair = published.semantic
        else:
            continue
        return f"{published.backbone}: {number(pair[0])}, {number(pair[1])}"
    return ""


def section() -> list[str]:
    """Everything that the paper states in figures, with its place."""
    aucs = [
        [f"{one.backbone}, partly frozen, {level}", number(one.real[place]), number(one.semantic[place]), where]
        for place, level, where in ((0, "images", "Figure 5B"), (1, "patients", "Supplementary Figure 6B"))
        for one in AUCS
    ]
    return [
        *table(["paper 0, mean AUC over 25 seeds", "real", f"semantic, r = {RATE}", "place"], aucs),
        f"{T_TEST} (Results).",
        "",
        *table(["paper 0, image quality and the best seed", "figure", "place"], [list(row) for row in QUALITY]),
    ]
