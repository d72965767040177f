"""The web application: who is admitted, what is kept, and that responses tell nothing."""

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from synthtrace.errors import InputError
from synthtrace.turing.answers import Answers
from synthtrace.turing.app import make_app
from synthtrace.turing.key import KEY_FILE, image_paths, read_key, shown_digest
from synthtrace.turing.serve import is_local, open_server

COUNT = 11


@pytest.fixture
def answers(built: Path) -> Answers:
    return Answers(built, shown_digest(built))


def client_of(built: Path, answers: Answers, access: str | None = None) -> FlaskClient:
    return make_app(image_paths(built), answers, shown_digest(built), access).test_client()


def begin(client: FlaskClient, name: str) -> None:
    assert client.post("/", data={"name": name}).headers["Location"] == "/test"


def number_shown(client: FlaskClient) -> int:
    return int(re.search(r'name="number" value="(\d+)"', client.get("/test").text).group(1))


def stored(answers: Answers) -> list[tuple]:
    return list(answers.table().itertuples(index=False, name=None))


def test_the_first_answer_stands_whatever_is_sent_after_it(built, answers):
    client = client_of(built, answers)
    begin(client, "Ada")
    assert client.post("/test", data={"number": 1, "answer": "real"}).headers["Location"] == "/test"
    # a double click, then the back button and the other answer
    assert client.post("/test", data={"number": 1, "answer": "real"}).headers["Location"] == "/test"
    again = client.post("/test", data={"number": 1, "answer": "synthetic"})
    assert "Image 1 was answered before; the first answer stands." in client.get(again.headers["Location"]).text
    assert stored(answers) == [("Ada", 1, "real")]
    assert number_shown(client) == 2


def test_answers_and_readers_outlive_the_application(built, answers):
    client = client_of(built, answers)
    begin(client, "Ada")
    client.post("/test", data={"number": 1, "answer": "synthetic"})
    link = re.search(r"/r/[\w-]+", client.get("/test").text).group(0)
    # nothing is closed or flushed: another process that opens the file now sees what is on the disk
    other = client_of(built, Answers(built, shown_digest(built)))
    assert other.get("/test").headers["Location"] == "/"
    other.get(link)
    assert number_shown(other) == 2
    assert stored(answers) == [("Ada", 1, "synthetic")]


def test_a_name_is_one_reader_s(built, answers):
    begin(client_of(built, answers), "Ada")
    refused = client_of(built, answers).post("/", data={"name": " ADA "})
    assert refused.status_code == 409
    assert "Somebody has begun as “ADA”" in refused.text
    assert client_of(built, answers).post("/", data={"name": "  "}).status_code == 400
    assert client_of(built, answers).post("/", data={"name": "x" * 61}).status_code == 400


def test_all_readers_see_the_images_in_one_order_and_none_but_the_next(built, answers):
    contents = [path.read_bytes() for path in image_paths(built)]
    for name in ("Ada", "Ben"):
        client = client_of(built, answers)
        begin(client, name)
        assert client.get("/image/2").status_code == 404
        for number in range(1, COUNT + 1):
            assert client.get(f"/image/{number}").data == contents[number - 1]
            client.post("/test", data={"number": number, "answer": "real"})
        assert "Thank you, " + name in client.get("/test").text


def test_responses_to_real_and_synthetic_images_differ_in_the_pixels_alone(built, answers):
    client = client_of(built, answers)
    begin(client, "Ada")
    headers, pages = set(), set()
    for number in range(1, COUNT + 1):
        response = client.get(f"/image/{number}")
        headers.add(tuple(sorted((name, value) for name, value in response.headers if name != "Date")))
        pages.add(re.sub(r"\d+", "#", client.get("/test").text))
        client.post("/test", data={"number": number, "answer": "real"})
    assert len(headers) == 1
    assert not {"ETag", "Last-Modified", "Content-Disposition"} & {name for name, _ in next(iter(headers))}
    assert len(pages) == 1


def test_the_key_is_not_needed_to_serve_and_its_words_are_on_no_page(built, answers):
    key = read_key(built)
    (built / KEY_FILE).unlink()
    client = client_of(built, answers)
    begin(client, "Ada")
    pages = [client.get("/test").text]
    forms = [{"number": number, "answer": "real"} for number in range(1, COUNT + 1)]
    pages += [client.post("/test", data=form, follow_redirects=True).text for form in forms]
    secrets = {*key["image_id"], *key["kind"], *key["label_name"], *key["patient_id"], *key["pixel_hash"]} - {"", "class"}
    assert not [word for word in secrets for page in pages if re.search(rf"\b{re.escape(word)}\b", page)]


def test_a_local_address_needs_no_token_and_any_other_does(built):
    assert [is_local(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert [is_local(host) for host in ("0.0.0.0", "::", "192.0.2.1", "reader.example.org")] == [False] * 4
    server, address = open_server(built, "127.0.0.1", 0)
    server.server_close()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    tokens = set()
    for _ in range(2):
        server, address = open_server(built, "0.0.0.0", 0)
        server.server_close()
        tokens.add(re.search(r"/\?token=([\w-]{20,})$", address).group(1))
    assert len(tokens) == 1, "a restart must not lock readers out"


def test_without_the_token_nothing_is_shown_and_with_it_once_a_cookie_does(built, answers):
    client = client_of(built, answers, access="secret")
    for path in ("/", "/?token=secre", "/?token=", "/test", "/image/1", "/r/wrong"):
        assert client.get(path).status_code in (403, 404), path
    assert client.post("/", data={"name": "Ada"}).status_code == 403
    let_in = client.get("/?token=secret")
    assert (let_in.status_code, let_in.headers["Location"]) == (303, "/")
    assert client.get("/").status_code == 200
    begin(client, "Ada")
    assert number_shown(client) == 1


def test_a_personal_link_needs_no_other_token(built, answers):
    client = client_of(built, answers, access="secret")
    client.get("/?token=secret")
    begin(client, "Ada")
    link = re.search(r"/r/[\w-]+", client.get("/test").text).group(0)
    other = client_of(built, answers, access="secret")
    assert other.get(link, follow_redirects=True).status_code == 200
    assert other.get("/image/1").status_code == 200


def test_forms_of_other_pages_are_refused(built, answers):
    client = client_of(built, answers)
    foreign = client.post("/", data={"name": "Eve"}, headers={"Origin": "http://example.org"})
    assert foreign.status_code == 403
    assert stored(answers) == []
    assert client.post("/", data={"name": "Ada"}, headers={"Origin": "http://localhost"}).status_code == 303


@pytest.mark.parametrize("data", [{}, {"number": 1}, {"number": 1, "answer": "maybe"}, {"number": 12, "answer": "real"}])
def test_what_is_no_answer_is_not_kept(built, answers, data):
    client = client_of(built, answers)
    begin(client, "Ada")
    assert client.post("/test", data=data).status_code == 400
    assert answers.table()["answer"].isna().all()


def test_a_folder_without_a_test_and_a_port_that_is_taken_are_one_sentence(built, tmp_path):
    with pytest.raises(InputError, match="synthtrace turing build"):
        open_server(tmp_path / "nothing", "127.0.0.1", 0)
    server, address = open_server(built, "127.0.0.1", 0)
    with pytest.raises(InputError, match="cannot listen there"):
        open_server(built, "127.0.0.1", int(address.rsplit(":", 1)[1].strip("/")))
    server.server_close()


def test_answers_to_other_images_are_not_mixed_in(built, answers):
    image_paths(built)[0].write_bytes(image_paths(built)[1].read_bytes())
    with pytest.raises(InputError, match="its answers were given to a test"):
        open_server(built, "127.0.0.1", 0)
