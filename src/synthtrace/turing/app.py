"""The reader test in the browser: one image (or pair) at a time, plain forms, nothing that tells real from synthetic."""

import hmac
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, g, redirect, render_template, request, url_for
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from synthtrace.turing.answers import Answers

LONGEST_NAME = 60
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    # not `no-referrer`: browsers would then send our own forms with the origin `null`
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def make_app(images: list[Path], answers: Answers, digest: str, access: str | None, masks: Sequence[Path] = ()) -> Flask:
    """The web application of one test.

    Args:
        images: files in the readers' order.
        answers: where answers go, and the questions that are asked.
        digest: of the test; cookies carry part of it in their names, so that two tests on one host keep apart.
        access: the token that a browser must have shown once; None: everybody may come in (local address).
        masks: of the images of a test of pairs, in the same order.
    """
    app = Flask(__name__, static_folder="static")
    app.jinja_options = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    # held in memory: what is served stays what it was, and no file's time or length is ever asked for
    contents = {"image": [path.read_bytes() for path in images], "mask": [path.read_bytes() for path in masks]}
    count, noun = len(images), "pair" if masks else "image"
    reader_cookie, access_cookie = f"reader-{digest[:8]}", f"access-{digest[:8]}"

    def keep(response: AnyResponse, cookie: str, value: str) -> AnyResponse:
        response.set_cookie(cookie, value, max_age=365 * 86400, httponly=True, samesite="Lax")
        return response

    def next_number() -> int | None:
        answered = answers.answered(g.reader)
        return next((number for number in range(1, count + 1) if number not in answered), None)

    def start_page(problem: str | None, name: str) -> str:
        template = "start_pairs.html.j2" if masks else "start.html.j2"
        return render_template(template, count=count, longest=LONGEST_NAME, problem=problem, name=name)

    def reader_only(view: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(**arguments: Any) -> Any:
            return view(**arguments) if g.reader else redirect(url_for("start"), 303)

        guarded.__name__ = view.__name__
        return guarded

    @app.before_request
    def admit() -> AnyResponse | None:
        origin = request.headers.get("Origin")
        if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
            abort(403, "This form was sent from another page.")
        g.reader = answers.reader(request.cookies.get(reader_cookie, ""))
        if access is None or g.reader or request.endpoint in ("resume", "static"):
            return None
        shown = request.args.get("token")
        if shown is not None and hmac.compare_digest(shown.encode(), access.encode()):
            return keep(redirect(request.path, 303), access_cookie, access)
        if not hmac.compare_digest(request.cookies.get(access_cookie, "").encode(), access.encode()):
            abort(403, "This test needs the whole address that was given to you, with its token.")
        return None

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    def start() -> Any:
        if g.reader:
            return redirect(url_for("test"), 303)
        return start_page(None, "")

    @app.post("/")
    def enrol() -> Any:
        if g.reader:
            return redirect(url_for("test"), 303)
        name = re.sub(r"\s+", " ", request.form.get("name", "")).strip()
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            problem, code = f"Please give a name of 1 to {LONGEST_NAME} characters.", 400
        elif token := answers.enrol(name):
            return keep(redirect(url_for("test"), 303), reader_cookie, token)
        else:
            problem = f"Somebody has begun as “{name}”. If it was you, go on in the same browser or with your personal link; "
            problem, code = problem + "if not, choose another name.", 409
        return start_page(problem, name), code

    @app.get("/r/<token>")
    def resume(token: str) -> Any:
        if not answers.reader(token):
            abort(404, "No reader of this test has this link.")
        return keep(redirect(url_for("test"), 303), reader_cookie, token)

    @app.get("/test")
    @reader_only
    def test() -> Any:
        number = next_number()
        if number is None:
            return render_template("end.html.j2", count=count, name=g.reader.name)
        link = url_for("resume", token=request.cookies[reader_cookie], _external=True)
        again = request.args.get("again", type=int)
        page = {"number": number, "count": count, "name": g.reader.name, "link": link, "again": again, "noun": noun}
        return render_template(f"{noun}.html.j2", questions=answers.questions, **page)

    @app.get("/<any(image, mask):part>/<int:number>")
    @reader_only
    def picture(part: str, number: int) -> Any:
        if number != next_number() or not contents[part]:
            abort(404, f"This is not the {noun} that is next.")
        return Response(contents[part][number - 1], mimetype="image/png")

    @app.post("/test")
    @reader_only
    def answer() -> Any:
        number = request.form.get("number", type=int)
        said = tuple(request.form.get(question.name, "") for question in answers.questions)
        known = all(one in question.choices for one, question in zip(said, answers.questions, strict=True))
        if not known or number is None or not 1 <= number <= count:
            abort(400, f"Expected an answer to every question about one {noun} of this test.")
        standing = answers.record(g.reader, number, *said)
        return redirect(url_for("test", again=None if standing == said else number), 303)

    @app.post("/leave")
    def leave() -> Any:
        response = redirect(url_for("start"), 303)
        response.delete_cookie(reader_cookie, httponly=True, samesite="Lax")
        return response

    def problem_page(error: HTTPException) -> Any:
        return render_template("problem.html.j2", text=error.description, code=error.code), error.code

    app.register_error_handler(HTTPException, problem_page)
    return app
