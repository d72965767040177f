"""What folds by `split.protocol: subsets` promise beyond all folds: common test images, disjoint and balanced subsets."""

import great_expectations as gx
import numpy as np
import pandas as pd

from synthtrace.quality import expect

AGAIN = "Run `dvc repro -f split`."


def common(rows: pd.DataFrame, folds: list[int]) -> pd.DataFrame:
    """One row an image: where test and validation images change, how many subsets it is in, and whether its group is torn.

    `moves` says in which of the folds an image is set aside as what, where that is not the same in all of them; `torn` names an
    image of the same group with another role in some fold.
    """
    named = rows.assign(role=rows["role"].astype(str), text=rows["fold"].astype(str) + ":" + rows["role"].astype(str))
    roles = named.sort_values("fold").groupby("image_id")["text"].agg(", ".join)
    aside = named[named["role"].isin(["test", "val"])].groupby("image_id")["role"].agg(["nunique", "size"])
    moving = aside.index[(aside["nunique"] > 1) | (aside["size"] < len(folds))]
    table = rows.drop_duplicates("image_id").set_index("image_id")[["patient_id", "group"]]
    table["moves"] = roles[moving].reindex(table.index)
    trained = rows[rows["role"] == "train"].groupby("image_id")["fold"].nunique()
    table["subsets"] = trained.reindex(table.index, fill_value=0)
    table["roles"] = roles
    first = table.reset_index().groupby("group")[["image_id", "roles"]].first().reindex(table["group"])
    table["torn"] = first["image_id"].where(first["roles"].to_numpy() != table["roles"].to_numpy()).to_numpy()
    return table.reset_index().drop(columns=["group", "roles"])


def balance(manifest: pd.DataFrame, rows: pd.DataFrame, folds: list[int]) -> pd.DataFrame:
    """Groups of each class in each subset, and how far they are from the balance of what all subsets are drawn from.

    `off` (groups): were the subset's share of every class the same, the number of groups of this class and of some other would
    each be off by that many; below 1, rounding explains it. Groups of several labels are a class of their own.
    """
    names = manifest.drop_duplicates("image_id").set_index("image_id")["label_name"]
    pool = rows[rows["role"].isin(["train", "unused"])].assign(name=rows["image_id"].map(names))
    pairs = pool.dropna(subset=["group", "name"])[["group", "name"]].drop_duplicates().sort_values(["group", "name"])
    kind = pairs.groupby("group")["name"].agg(" and ".join)
    whole = kind.value_counts().sort_index()
    tables = []
    for fold in folds:
        groups = pool.loc[(pool["fold"] == fold) & (pool["role"] == "train"), "group"].dropna().unique()
        held = kind.reindex(groups).value_counts().reindex(whole.index, fill_value=0).to_numpy()
        of_all = whole.to_numpy()
        apart = np.abs(np.outer(held, of_all) - np.outer(of_all, held)) / np.add.outer(of_all, of_all)
        tables.append(
            pd.DataFrame({"fold": fold, "classes": whole.index, "groups": held, "of": of_all, "off": apart.max(axis=1)})
        )
    return pd.concat(tables, ignore_index=True)


def of_subsets(unit: str) -> list[gx.ExpectationSuite]:
    """What is expected of them; `unit` is what a patient is called."""
    return [
        expect.table_suite(
            "common",
            ["image_id", "patient_id"],
            [
                expect.empty("moves", "test and validation images are the same in every fold", AGAIN),
                expect.between("subsets", 0, 1, "training subsets have no image in common", AGAIN),
                expect.empty("torn", f"no {unit} is torn apart by subsets", AGAIN),
            ],
        ),
        expect.table_suite(
            "balance",
            ["fold", "classes", "groups", "of"],
            [expect.between("off", None, 1, f"subsets keep the balance of classes, within one {unit}", AGAIN)],
        ),
    ]
