"""The audit's checks, one file each: PROMISE, and a function `check` that gives the findings."""
