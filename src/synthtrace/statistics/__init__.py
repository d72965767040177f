"""Out-of-fold AUC, its uncertainty over patients, and paired comparisons.

Three kinds of spread stand side by side, and they answer different questions. Over *seeds*: how much does the same study on
the same patients move when only the training noise changes? Over *patients* (the bootstrap, DeLong): how much would it move
with other patients? Over *folds of repeated re-splits* (Nadeau and Bengio): how much does it move with other training patients
out of the same study? Seeds are not independent patients: more seeds shrink the first spread towards nothing and leave the
second alone, so only the second can carry a claim about patients who are yet to come. None covers a generator that was trained
once and shared by all seeds, or, without re-splits, a fold split that was drawn once.
"""
