"""Croissant 1.0: `croissant.json` beside the files, read by `mlcroissant.Dataset`."""

import datetime
import json
from pathlib import Path

from synthtrace.lineage.export.bundle import COLUMNS, IMAGES, TABLE, Bundle

METADATA = "croissant.json"
RECORDS = "images"


def write(bundle: Bundle, folder: Path) -> None:
    """Write the files and the data set's metadata; the records join the table's rows with the image files."""
    import mlcroissant as mlc

    bundle.write(folder)
    card = bundle.card
    objects = [
        mlc.FileObject(
            id=file.name, name=file.name, content_url=file.name, encoding_formats=[file.media_type], sha256=file.sha256
        )
        for file in bundle.files
        if not file.name.startswith(f"{IMAGES}/")
    ]
    images = mlc.FileSet(
        id="image-files",
        name="image-files",
        description="the image files; the table's column sha256 holds the digest of each",
        encoding_formats=["image/png"],
        includes=[f"{IMAGES}/*/*/*.png"],
    )
    types = {"label": mlc.DataType.INTEGER, "fold": mlc.DataType.INTEGER, "seed": mlc.DataType.INTEGER}
    types["conditioned"] = mlc.DataType.BOOL
    fields = [
        mlc.Field(
            id=f"{RECORDS}/{column}",
            name=column,
            description=meaning,
            data_types=[types.get(column, mlc.DataType.TEXT)],
            source=mlc.Source(file_object=TABLE, extract=mlc.Extract(column=column)),
        )
        for column, meaning in COLUMNS.items()
    ]
    # the join: from the file's path, which the regex turns from a path into text, to the table's column of the same name
    joining = next(field for field in fields if field.name == "file")
    joining.references = joining.source
    joining.source = mlc.Source(
        file_set="image-files",
        extract=mlc.Extract(file_property=mlc.FileProperty.fullpath),
        transforms=[mlc.Transform(regex="^(.+)$")],
    )
    fields.append(
        mlc.Field(
            id=f"{RECORDS}/image",
            name="image",
            description="the image",
            data_types=[mlc.DataType.IMAGE_OBJECT],
            source=mlc.Source(file_set="image-files", extract=mlc.Extract(file_property=mlc.FileProperty.content)),
        )
    )
    licence = card["licence"]
    metadata = mlc.Metadata(
        name=card["name"],
        description=card["description"],
        license=[licence["url"] or licence["text"]],
        date_published=datetime.datetime.fromisoformat(card["date"]),
        distribution=[*objects, images],
        record_sets=[mlc.RecordSet(id=RECORDS, name=RECORDS, description="one record an image", fields=fields)],
        data_use_cases=[card["intended_use"]],
        data_limitations=[card["limits"]],
    )
    text = json.dumps(metadata.to_json(), indent=2, ensure_ascii=False) + "\n"
    (folder / METADATA).write_text(text, encoding="utf-8")
