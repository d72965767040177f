"""A gate: judge tables of measurements by a suite, write the verdict, and let the study pass or stop.

Great Expectations' own results hold times and ids; the verdict is ours, and the same data and suite give the same bytes.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.core import ExpectationValidationResult
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

from synthtrace.digests import digest
from synthtrace.errors import InputError
from synthtrace.quality.findings import show
from synthtrace.stage import SCRATCH, Stage

MOST_ROWS = 20

Suites = list[gx.ExpectationSuite]


def pass_or_stop(run: Stage, gate: str, judged: Iterable[str], tables: Mapping[str, pd.DataFrame], suites: Suites) -> None:
    """Write metrics/quality/<gate>.json, Data Docs and, if no error was found, data/gates/<gate>.json.

    The pass file knows the data and not the suite: a changed suite that still passes re-runs nothing behind the gate.

    Args:
        run: the running stage.
        gate: name of the gate.
        judged: the files and folders that were measured; their DVC digests, by path, stand for the data.
        tables: the measurements, by the names of the suites.
        suites: one a table.

    Raises:
        InputError: an expectation of severity `error` failed; the findings were shown and the verdict written.
    """
    passed = Path(f"data/gates/{gate}.json")
    passed.unlink(missing_ok=True)
    digests = {Path(path).as_posix(): digest(Path(path)) for path in judged}
    verdict = {"gate": gate, "judged": digests} | judge(
        gate, json_digest(digests), tables, suites, SCRATCH / "data_docs" / gate
    )
    with run.output(f"metrics/quality/{gate}.json") as temporary:
        write_json(temporary, verdict)
    show(verdict)
    failed = [item["severity"] for item in verdict["expectations"] if not item["pass"]]
    if not verdict["pass"]:
        raise InputError(
            f"gate {gate}: {failed.count('error')} of {len(verdict['expectations'])} expectations failed, so nothing behind "
            f"it may run; metrics/quality/{gate}.json holds the verdict"
        )
    warnings = f"{len(failed)} warning{'' if len(failed) == 1 else 's'}"
    run.say(f"{len(verdict['expectations'])} expectations, {warnings}; the gate is open")
    with run.output(passed) as temporary:
        write_json(temporary, {name: verdict[name] for name in ("gate", "data", "pass")})


def judge(gate: str, data: str, tables: Mapping[str, pd.DataFrame], suites: Suites, docs: Path | None = None) -> dict[str, Any]:
    """The verdict: gate, data, suite, pass, and the expectations in the order of the suite.

    Of each expectation: name, severity (`error` or `warning`), pass, observed, checked, failed_count, failing_rows (up to 20,
    by the columns that name a row) and todo. Great Expectations' Data Docs go to the folder `docs`.
    """
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("measurements").add_dataframe_asset("table")
    whole = asset.add_batch_definition_whole_dataframe("whole")
    expectations = []
    for suite in suites:
        table, rows = tables[suite.name].reset_index(drop=True), suite.meta["rows"]
        context.suites.add(suite)
        validation = context.validation_definitions.add(gx.ValidationDefinition(name=suite.name, data=whole, suite=suite))
        options = {"result_format": "COMPLETE", "unexpected_index_column_names": rows}
        answers = validation.run(batch_parameters={"dataframe": table}, result_format=options).results
        results = {config.meta["name"]: answer for answer in answers if (config := answer.expectation_config)}
        for item in suite.expectations:
            expected = item.configuration
            expectations.append(_finding(expected, results[expected.meta["name"]], rows, table))
    if docs is not None:
        _write_docs(context, docs)
    return {
        "gate": gate,
        "data": data,
        "suite": suite_digest(suites),
        "pass": all(item["pass"] for item in expectations if item["severity"] == "error"),
        "expectations": expectations,
    }


def _write_docs(context: EphemeralDataContext, folder: Path) -> None:
    """Data Docs are for people: they hold times and ids, and load their styles from the web."""
    shutil.rmtree(folder, ignore_errors=True)
    context.add_data_docs_site(
        "docs",
        {
            "class_name": "SiteBuilder",
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    context.build_data_docs(site_names=["docs"])


def _finding(
    expected: ExpectationConfiguration, result: ExpectationValidationResult, rows: list[str], table: pd.DataFrame
) -> dict[str, Any]:
    """An expectation's part of the verdict; `rows` are the columns that name a row."""
    name, column = expected.meta["name"], expected.kwargs["column"]
    if "unexpected_count" not in result.result:
        raise RuntimeError(f"expectation {name!r} could not be judged: {result.exception_info}")
    failing = result.result["unexpected_index_list"][:MOST_ROWS]
    return {
        "name": name,
        "severity": "warning" if expected.severity == "warning" else "error",
        "pass": bool(result.success),
        "observed": _observed(table[column]),
        "checked": len(table),
        "failed_count": int(result.result["unexpected_count"]),
        "failing_rows": [{key: plain(row[key]) for key in dict.fromkeys([*rows, column])} for row in failing],
        "todo": expected.meta["todo"],
    }


def _observed(column: pd.Series) -> dict[str, Any]:
    """What stands in a column, in short: range of numbers, the values if they are few, and how many cells are empty."""
    found = column.dropna()
    summary: dict[str, Any] = {"column": str(column.name), "empty": int(column.isna().sum()), "distinct": int(found.nunique())}
    if pd.api.types.is_numeric_dtype(found) and not pd.api.types.is_bool_dtype(found) and len(found):
        summary |= {"lowest": plain(found.min()), "highest": plain(found.max())}
    elif 0 < summary["distinct"] <= 5:
        summary["counts"] = {str(value): int(count) for value, count in found.astype(str).value_counts().sort_index().items()}
    return summary


def plain(value: Any) -> Any:
    """A table's cell as plain JSON: numpy scalars become Python's, missing values null."""
    if value is None or value is pd.NA or (isinstance(value, float | np.floating) and not np.isfinite(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def suite_digest(suites: Suites) -> str:
    """Hex sha256 of everything that the expectations say: type, arguments, severity, name, what to do."""
    said = [
        [suite.name, suite.meta["rows"], config.type, config.kwargs, config.severity, config.meta]
        for suite in suites
        for config in (item.configuration for item in suite.expectations)
    ]
    return json_digest(said)


def json_digest(value: Any) -> str:
    """Hex sha256 of a value as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Plain JSON whose keys stand in the order given."""
    path.write_text(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
