"""Kept synthetic images with their data card, for others: RO-Crate, Croissant, or an in-toto statement.

What leaves: image files, their digests, labels, seeds and parameters, and counts of patients. What stays: every id of a patient
or of a real image. `condition_image_id` names a real scan, so the table says only whether an image was conditioned on one.
"""
