"""The answer in one sentence, as strong as its interval allows and no stronger."""

from typing import Any

from synthtrace.report.formats import MISSING, bounds, is_number, number, signed

VERDICTS = {
    "helped": "they helped",
    "hurt": "they hurt",
    "unclear": "no evidence of a benefit or of harm",
    "unknown": "no conclusion",
}


def blocks(found: dict[str, Any] | None) -> dict[str, Any]:
    """AUCs and differences of a scenario, baseline or point of a curve, each present, empty where there is null or nothing."""
    return {key: (found or {}).get(key) or {} for key in ("auc_image", "auc_patient", "versus_real", "versus_real_patient")}


def scenario(summary: dict[str, Any], name: str) -> dict[str, Any]:
    """Results of a scenario of the summary, as `blocks` has them."""
    return blocks(summary.get("scenarios", {}).get(name))


def judge(versus: dict[str, Any]) -> str:
    """`helped` or `hurt` when the interval of (scenario - real) excludes 0, else `unclear`; `unknown` without an interval."""
    found = bounds(versus.get("ci95"))
    if found is None or not is_number(versus.get("difference")):
        return "unknown"
    if found[0] > 0:
        return "helped"
    return "hurt" if found[1] < 0 else "unclear"


def change(versus: dict[str, Any], unit: str) -> str:
    """`+0.012 (95% patient bootstrap -0.020 to +0.050): they helped`."""
    if not is_number(versus.get("difference")):
        return f"{MISSING} (the comparison could not be computed): {VERDICTS['unknown']}"
    text = signed(versus["difference"])
    found = bounds(versus.get("ci95"))
    if found is None:
        return f"{text} (no interval could be computed): {VERDICTS['unknown']}"
    return f"{text} (95% {unit} bootstrap {signed(found[0])} to {signed(found[1])}): {VERDICTS[judge(versus)]}"


def sentence(summary: dict[str, Any], kinds: list[str], patient_ids: bool = True) -> str:
    """What adding synthetic images did, for every kind of the run in the order of `generator.kinds`: none is picked."""
    rate = summary["mixing_rate"]
    units = f"{summary['patients']} patients" if patient_ids else f"{summary['images']} images without patient ids"
    if rate == 0:
        return f"At mixing rate {rate} no synthetic image enters a training set, so this run on {units} compares nothing."
    unit = "patient" if patient_ids else "image"
    base = number(scenario(summary, "real")["auc_image"].get("mean"))
    verb = f"changed the image-level AUC of {base} by"
    clauses = []
    for kind in kinds:
        versus = scenario(summary, kind)["versus_real"]
        if not is_number(versus.get("difference")):
            clauses.append(f"the effect of {kind} synthetic images is {change(versus, unit)}")
            continue
        clauses.append(f"adding {kind} synthetic images {verb} {change(versus, unit)}")
        verb = "changed it by"
    return f"At mixing rate {rate}, on {units}, {'; '.join(clauses)}."


def caveat(kinds: list[str]) -> str:
    """Why the sentence is no best-of-several."""
    if len(kinds) == 1:
        return (
            "The run has one synthetic scenario, so there was none to pick. "
            "Reporting the best of several runs (mixing rates, seeds, settings) would be picking."
        )
    return (
        f"The sentence covers every synthetic scenario of the run ({len(kinds)}), none picked after the fact. "
        "With several intervals, the chance that at least one misses zero by luck alone is above 5%."
    )
