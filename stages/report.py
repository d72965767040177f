"""The page for people: the answer with its uncertainty, and what it rests on: report/index.html."""

from pathlib import Path

from synthtrace.stage import stage

if __name__ == "__main__":
    with stage("report") as run:
        from synthtrace.report.page import build_page

        run.say(f"a page on real, traditional, {', '.join(run.params.generator.kinds)} at mixing rate {run.params.mixing_rate}")
        page = build_page(Path(), run.params)
        with run.output("report/index.html") as temporary:
            temporary.write_text(page, encoding="utf-8")
