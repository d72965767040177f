"""The suites, one module a gate: what is measured, and what is expected of it."""
