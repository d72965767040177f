"""Write code.json: what the code of each stage is."""

import json

from synthtrace.fingerprint import fingerprints
from synthtrace.stage import stage

with stage("fingerprint") as run:
    digests = fingerprints()
    with run.output("code.json") as temporary:
        temporary.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    run.say(f"digests of {len(digests)} stage scripts")
