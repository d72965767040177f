"""Quality gates: Great Expectations suites, defined in code, that judge each hand-over of the study."""
