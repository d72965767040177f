"""Draw the README's picture: a real frame, a phantom frame, and kept synthetic images, after a run of the default pipeline.

    python docs/make_picture.py path/to/a/real/frame.png

The real frame is of the public set of Byra et al. (Zenodo record 1009146, CC BY 4.0); its attribution stands in the picture.
"""

import argparse
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from synthtrace.cards import read_card
from synthtrace.images import read_image
from synthtrace.params import Params, load_params
from synthtrace.report.pictures import spread
from synthtrace.tables import read_ledger, read_selection

PICTURE = Path("docs/images/real-phantom-synthetic.png")
REAL_CAPTION = "Real: one B-mode frame, Byra et al. 2018,\nZenodo 1009146, CC BY 4.0 (resized)"
PHANTOM_CAPTION = "Phantom: simulated here, no patient.\nThe default study runs on it"
WIDTH, HEIGHT = 440, 300  # of a panel
GAP, CAPTION = 12, 44
TILE = 75
FOLD = 0


def frame_panel(path: Path) -> Image.Image:
    """A whole frame, as large as a panel can hold it."""
    with Image.open(path) as image:
        fitting = image.convert("L")
    fitting.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    return fitting


def synthetic_panel(params: Params) -> Image.Image:
    """Kept images of fold 0, a row a kind and class, evenly spaced through the pool: nobody chose the best looking."""
    font = ImageFont.load_default(size=11)
    rows = [(kind, label) for kind in params.generator.kinds for label in range(len(params.dataset.labels))]
    labels_width = 62
    columns = (WIDTH - labels_width) // TILE
    panel = Image.new("L", (WIDTH, len(rows) * TILE), 255)
    draw = ImageDraw.Draw(panel)
    for row, (kind, label) in enumerate(rows):
        pool = Path(f"data/pools/{kind}/fold{FOLD}")
        kept = read_selection(Path(f"data/selected/{kind}/fold{FOLD}")).query("kept and label == @label")
        paths = read_ledger(pool).set_index("image_id")["path"]
        for column, image_id in enumerate(spread(kept, columns)["image_id"]):
            with Image.open(pool / paths[image_id]) as image:
                # no smoothing: the pixels are as coarse as they look
                tile = image.convert("L").resize((TILE - 2, TILE - 2), Image.Resampling.NEAREST)
            panel.paste(tile, (labels_width + column * TILE, row * TILE))
        draw.text((0, row * TILE + TILE // 2), f"{kind}\n{params.dataset.labels[label]}", fill=0, font=font, anchor="lm")
    return panel


def main() -> None:
    """Draw and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path, help="a real frame")
    parser.add_argument("--phantom", type=Path, default=Path("data/raw/phantom/images/P10_F0.png"), help="a phantom frame")
    arguments = parser.parse_args()
    params = load_params()
    kind = params.generator.kinds[0]
    side = read_image(next(Path(f"data/pools/{kind}/fold{FOLD}/images").iterdir())).shape[0]
    steps = read_card(Path(f"data/generators/{kind}/fold{FOLD}"))["steps"]
    synthetic_caption = (
        f"Synthetic: {side}x{side} pixels, from a demonstration\nmodel of {steps} steps, trained on phantom frames"
    )
    panels = [
        (frame_panel(arguments.real), REAL_CAPTION),
        (frame_panel(arguments.phantom), PHANTOM_CAPTION),
        (synthetic_panel(params), synthetic_caption),
    ]
    height = max(panel.height for panel, _ in panels)
    picture = Image.new("L", (len(panels) * (WIDTH + GAP) + GAP, height + CAPTION + 2 * GAP), 255)
    draw = ImageDraw.Draw(picture)
    for number, (panel, caption) in enumerate(panels):
        left = GAP + number * (WIDTH + GAP)
        picture.paste(panel, (left, GAP))
        draw.text((left, height + GAP + 6), caption, fill=0, font=ImageFont.load_default(size=15), spacing=3)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
