"""Readers and their answers in SQLite: each answer is on the disk before the reader sees the next image."""

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.turing.questions import OF_IMAGES, Question

ANSWERS_FILE = "answers.sqlite"

SCHEMA = """
CREATE TABLE IF NOT EXISTS test (digest TEXT NOT NULL, access TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readers (
    reader INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, token_sha256 TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS answers (
    reader INTEGER NOT NULL REFERENCES readers, number INTEGER NOT NULL,
    {columns},
    PRIMARY KEY (reader, number)
);
"""


def _column(question: Question) -> str:
    choices = ", ".join(f"'{choice}'" for choice in question.choices)
    return f"{question.name} TEXT NOT NULL CHECK ({question.name} IN ({choices}))"


class Reader(NamedTuple):
    """A reader as stored."""

    reader: int
    name: str


def _token_digest(token: str) -> str:
    # only the digest is kept: who can read the file cannot answer in a reader's name
    return hashlib.sha256(token.encode()).hexdigest()


class Answers:
    """The answers to one test. Every method opens a connection of its own, so that threads may share an object."""

    def __init__(self, folder: Path, digest: str, questions: Sequence[Question] = OF_IMAGES) -> None:
        """Open `answers.sqlite` of a test, or make it.

        Args:
            folder: where the test was built.
            digest: `key.digest_of` the test.
            questions: what is asked of each item, a column each.

        Raises:
            InputError: the file is no database of answers, or its answers were given to other images.
        """
        self.path = folder / ANSWERS_FILE
        self.questions = questions
        self._columns = ", ".join(question.name for question in questions)
        try:
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(SCHEMA.format(columns=",\n    ".join(_column(question) for question in questions)))
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    if connection.execute("SELECT 1 FROM test").fetchone() is None:
                        connection.execute("INSERT INTO test VALUES (?, ?)", (digest, secrets.token_urlsafe(16)))
                    found, self.access = connection.execute("SELECT digest, access FROM test").fetchone()
        except sqlite3.DatabaseError as error:
            raise InputError(f"{self.path}: not a readable database of answers ({error})") from None
        if found != digest:
            raise InputError(
                f"{self.path}: its answers were given to a test {found[:12]}, but the images here are {digest[:12]}"
            )

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # transactions are begun by hand; 30 s: how long one reader's answer waits for another's
        connection = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            yield connection
        finally:
            connection.close()

    def enrol(self, name: str) -> str | None:
        """A new reader's secret token, or None when the name is taken (upper and lower case count as one)."""
        token = secrets.token_urlsafe(16)
        with self._connection() as connection:
            try:
                connection.execute(
                    "INSERT INTO readers (name, folded, token_sha256) VALUES (?, ?, ?)",
                    (name, name.casefold(), _token_digest(token)),
                )
            except sqlite3.IntegrityError:
                return None
        return token

    def reader(self, token: str) -> Reader | None:
        """The reader whose token this is."""
        with self._connection() as connection:
            found = connection.execute("SELECT reader, name FROM readers WHERE token_sha256 = ?", (_token_digest(token),))
            row = found.fetchone()
        return Reader(*row) if row else None

    def answered(self, reader: Reader) -> set[int]:
        """Numbers of the images that a reader has answered."""
        with self._connection() as connection:
            return {row[0] for row in connection.execute("SELECT number FROM answers WHERE reader = ?", (reader.reader,))}

    def record(self, reader: Reader, number: int, *said: str) -> tuple[str, ...]:
        """Store answers to all questions, in their order, unless the image has some; returns those that stand.

        On return they are safely on the disk.
        """
        with self._connection() as connection:
            key = (reader.reader, number)
            marks = ", ".join("?" * len(said))
            connection.execute(
                f"INSERT INTO answers (reader, number, {self._columns}) VALUES (?, ?, {marks}) ON CONFLICT DO NOTHING",
                (*key, *said),
            )
            return connection.execute(f"SELECT {self._columns} FROM answers WHERE (reader, number) = (?, ?)", key).fetchone()

    def table(self) -> pd.DataFrame:
        """All readers in the order in which they began: `name`, `number`, answers; who gave none has one row without."""
        query = f"SELECT name, number, {self._columns} FROM readers LEFT JOIN answers USING (reader) ORDER BY reader, number"
        with self._connection() as connection:
            rows = connection.execute(query).fetchall()
        return pd.DataFrame(rows, columns=["name", "number", *(question.name for question in self.questions)])
