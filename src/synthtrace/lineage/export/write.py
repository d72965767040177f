"""One export: it appears whole or not at all."""

import shutil
from pathlib import Path

from synthtrace.errors import InputError
from synthtrace.lineage.export.bundle import Bundle
from synthtrace.lineage.export.card import commit_of, licence_of
from synthtrace.lineage.export.pools import chosen_pools
from synthtrace.lineage.study import Study

FORMATS = ("ro-crate", "croissant", "in-toto")


def export(study: Study, form: str, out: Path, names: list[str], licence: str | None) -> Bundle:
    """Write the kept images of the named pools, or of all, to `out`: a folder, or for `in-toto` one file.

    Raises InputError, and writes nothing, when the format or a pool is unknown, the licence is none, `out` is taken, or the
    bytes of a pool are not those that its ledger and dvc.lock record.
    """
    if form not in FORMATS:
        raise InputError(f"--format: found {form!r}; expected one of {', '.join(FORMATS)}")
    out = out.resolve()
    _require_free(out, folder=form != "in-toto")
    bundle = Bundle(study, chosen_pools(study, names), licence_of(licence), commit_of(study))
    aside = out.with_name(f".{out.name}.partial")
    _remove(aside)
    try:
        _write(bundle, form, aside)
        aside.rename(out)
    except BaseException:
        _remove(aside)
        raise
    return bundle


def _write(bundle: Bundle, form: str, path: Path) -> None:
    # late: each format's library takes its time to load
    if form == "in-toto":
        from synthtrace.lineage.export import in_toto

        in_toto.write(bundle, path)
        return
    path.mkdir()
    if form == "ro-crate":
        from synthtrace.lineage.export import ro_crate

        ro_crate.write(bundle, path)
    else:
        from synthtrace.lineage.export import croissant

        croissant.write(bundle, path)


def _require_free(out: Path, folder: bool) -> None:
    if not out.parent.is_dir():
        raise InputError(f"{out.parent}: no such folder; expected one to write {out.name} into")
    if out.exists() and not (folder and out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out}: already there; expected a new name{' or an empty folder' if folder else ''}")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
