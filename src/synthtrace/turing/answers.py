"""Readers and their answers in SQLite: each answer is on the disk before the reader sees the next image."""

import contextlib
import hashlib
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from synthtrace.errors import InputError
from synthtrace.turing.key import REAL, SYNTHETIC

ANSWERS_FILE = "answers.sqlite"

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS test (digest TEXT NOT NULL, access TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS readers (
    reader INTEGER PRIMARY KEY, name TEXT NOT NULL, folded TEXT NOT NULL UNIQUE, token_sha256 TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS answers (
    reader INTEGER NOT NULL REFERENCES readers, number INTEGER NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('{REAL}', '{SYNTHETIC}')),
    PRIMARY KEY (reader, number)
);
"""


class Reader(NamedTuple):
    """A reader as stored."""

    reader: int
    name: str


def _token_digest(token: str) -> str:
    # only the digest is kept: who can read the file cannot answer in a reader's name
    return hashlib.sha256(token.encode()).hexdigest()


class Answers:
    """The answers to one test. Every method opens a connection of its own, so that threads may share an object."""

    def __init__(self, folder: Path, digest: str) -> None:
        """Open `answers.sqlite` of a test, or make it.

        Args:
            folder: where the test was built.
            digest: `key.digest_of` the test.

        Raises:
            InputError: the file is no database of answers, or its answers were given to other images.
        """
        self.path = folder / ANSWERS_FILE
        try:
            with self._connection() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.executescript(SCHEMA)
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

    def record(self, reader: Reader, number: int, answer: str) -> str:
        """Store an answer unless the image has one; returns the one that stands. On return it is safely on the disk."""
        with self._connection() as connection:
            key = (reader.reader, number)
            connection.execute("INSERT INTO answers VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (*key, answer))
            return connection.execute("SELECT answer FROM answers WHERE (reader, number) = (?, ?)", key).fetchone()[0]

    def table(self) -> pd.DataFrame:
        """All readers in the order in which they began: `name`, `number`, `answer`; who gave none has one row without."""
        query = "SELECT name, number, answer FROM readers LEFT JOIN answers USING (reader) ORDER BY reader, number"
        with self._connection() as connection:
            return pd.DataFrame(connection.execute(query).fetchall(), columns=["name", "number", "answer"])
