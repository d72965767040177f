"""What is known of fatty liver and shared by its sources."""

FATTY_FROM = 5.0  # per cent of hepatocytes with steatosis from which a liver counts as fatty


def steatosis_grade(fat_percent: float) -> int:
    """Grade 0 to 3 of a biopsy's fat percentage: below 5, to 33, to 66, above (Kleiner et al., Hepatology 41, 2005)."""
    return int(fat_percent >= FATTY_FROM) + int(fat_percent > 33) + int(fat_percent > 66)
