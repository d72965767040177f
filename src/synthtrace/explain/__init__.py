"""Which pixels speak for and against a class: SHAP values of a classifier on real and synthetic images (paper 0, Figure 6)."""
