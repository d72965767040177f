"""The page for people: one self-contained HTML file that says what was found, on what, and how far to believe it."""
