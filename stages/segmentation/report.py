"""The page for people: the answer with its uncertainty, and what it rests on: report/index.html."""

from pathlib import Path

from synthtrace.params.segmentation import SegmentationParams
from synthtrace.stage import stage

if __name__ == "__main__":
    with stage("report", SegmentationParams) as run:
        from synthtrace.report.segmentation.page import build_page

        run.say(f"a page on real pairs and pools of {', '.join(run.params.generators.pools)}")
        page = build_page(Path(), run.params)
        with run.output("report/index.html") as temporary:
            temporary.write_text(page, encoding="utf-8")
