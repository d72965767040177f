"""The page for people: the answer with its uncertainty, and what it rests on."""

from pathlib import Path

from synthtrace.report.page import build_page
from synthtrace.stage import stage

with stage("report") as run:
    run.say(f"a page from {', '.join(run.params.generator.kinds)} pools, metrics/ and plots/")
    page = build_page(Path(), run.params)
    with run.output("report/index.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
