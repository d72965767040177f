"""What a scanner burns into a frame around the sector, nowhere touching it."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synthtrace.scans.bmode import HEIGHT, WIDTH, Sector

GREY = 205
CLEARANCE = 5  # pixels between the sector and whatever is drawn


def _ticks(draw: ImageDraw.ImageDraw, sector: Sector) -> None:
    """The depth scale along the left edge: a tick a centimetre, a longer one with its number every five."""
    font = ImageFont.load_default(size=12)
    out_x, out_y = -np.cos(sector.half_angle), -np.sin(sector.half_angle)  # away from the left edge
    for depth in range(1, int(sector.depth / sector.pixels_per_cm) + 1):
        radius = sector.face + depth * sector.pixels_per_cm
        length = 6 if depth % 5 == 0 else 2
        x = sector.column - radius * np.sin(sector.half_angle) + CLEARANCE * out_x
        y = sector.centre_row + radius * np.cos(sector.half_angle) + CLEARANCE * out_y
        draw.line((x, y, x + length * out_x, y + length * out_y), fill=GREY)
        if depth % 5 == 0:
            draw.text((x + 12 * out_x, y + 12 * out_y), str(depth), fill=GREY, font=font, anchor="mm")


def _trace(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A heart trace in the lower left corner."""
    time = np.arange(112)
    wave = 5 * np.sin(time / 9 + rng.uniform(0, 6)) * np.exp(-time / 60) + rng.normal(0, 0.4, time.size)
    wave += 46 * np.exp(-(((time - 3) / 1.3) ** 2)) + rng.uniform(8, 22) * np.exp(-(((time - 36) / 7) ** 2))
    draw.line([(31 + int(t), HEIGHT - 27 - int(w)) for t, w in zip(time, wave, strict=True)], fill=GREY)
    for x in (31, 145):
        draw.line((x, HEIGHT - 62, x, HEIGHT - 2), fill=GREY)


def draw_annotations(sector: Sector, patient_id: str, rng: np.random.Generator) -> np.ndarray:
    """What stands around the sector, uint8 (HEIGHT, WIDTH), 0 elsewhere; a patient's frames share it."""
    image = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    draw.fontmode = "1"  # no soft edges: what is not drawn stays exactly 0
    small, large = ImageFont.load_default(size=11), ImageFont.load_default(size=15)
    draw.text((8, 6), f"PHANTOM  {patient_id}", fill=GREY, font=small)
    draw.text((8, 20), f"MI {rng.uniform(0.7, 1.4):.1f}  {rng.uniform(2.5, 4):.1f} MHz", fill=GREY, font=small)
    draw.text((sector.column + 34, 3), "V", fill=GREY, font=large)
    draw.text((WIDTH - 4, HEIGHT - 30), f"{rng.integers(52, 92)}", fill=GREY, font=small, anchor="ra")
    draw.text((WIDTH - 4, HEIGHT - 16), f"{rng.integers(7, 21)}:{rng.integers(10, 60)}  HR", fill=GREY, font=small, anchor="ra")
    _ticks(draw, sector)
    _trace(draw, rng)
    pixels = np.array(image)
    pixels[26:126, 610:629] = np.linspace(GREY, 1, 100, dtype=np.uint8)[:, None]
    return pixels
