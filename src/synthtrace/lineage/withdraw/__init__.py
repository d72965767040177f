"""A patient leaves the study: what descends from them, how their images go, and where traces remain."""
