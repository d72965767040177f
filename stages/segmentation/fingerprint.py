"""Write the study's code.json: what the code of each of its stages is."""

import json
from pathlib import Path

from synthtrace.fingerprint import fingerprints
from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

with stage("fingerprint", SegmentationParams) as run:
    digests = fingerprints(Path("../.."), "stages/segmentation")
    with run.output("code.json") as temporary:
        temporary.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    run.say(f"digests of {len(digests)} stage scripts")
