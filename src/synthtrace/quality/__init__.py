"""Quality gates: Great Expectations suites, defined in code, that judge each hand-over of the study."""

import os

# Great Expectations reads this once, when it is imported, and would otherwise report its use over the network
os.environ["GX_ANALYTICS_ENABLED"] = "False"
