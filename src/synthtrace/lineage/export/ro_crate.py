"""RO-Crate 1.2: `ro-crate-metadata.json` beside the files."""

from pathlib import Path
from typing import Any

from synthtrace.lineage.export.bundle import Bundle, folder_of

VERSION = "1.2"
NAMES = {
    "images.csv": "table of the images",
    "datacard.json": "data card, for machines",
    "datacard.md": "data card, for people",
}


def write(bundle: Bundle, folder: Path) -> None:
    """Write the files and the crate's metadata; each file is an entity with its SHA-256."""
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

    bundle.write(folder)
    card = bundle.card
    crate = ROCrate(version=VERSION)
    crate.name, crate.description = card["name"], card["description"]
    crate.datePublished = card["date"]

    def told(entity: str, kind: str, **properties: Any) -> ContextEntity:
        return crate.add(ContextEntity(crate, entity, properties={"@type": kind, **properties}))

    licence = card["licence"]
    crate.license = told(licence["url"] or "#licence", "CreativeWork", name=licence["name"], description=licence["text"])
    synthtrace = told("#synthtrace", "SoftwareApplication", **card["software"])
    entities = {
        file.name: crate.add_file(
            folder / file.name,
            file.name,
            properties={
                "name": NAMES.get(file.name, Path(file.name).name),
                "sha256": file.sha256,
                "contentSize": str(file.size),
                "encodingFormat": file.media_type,
            },
        )
        for file in bundle.files
    }
    for pool in bundle.pools:
        images = [entities[file.name] for file in bundle.images_of(pool)]
        facts = card["pools"][pool.name]
        held = crate.add_dataset(
            folder / folder_of(pool),
            folder_of(pool),
            properties={"name": f"pool {pool.name}", "description": f"{len(images)} kept of {pool.candidates} candidates"},
        )
        held["hasPart"] = images
        checkpoint = told(
            f"#checkpoint-{pool.kind}-fold{pool.fold}",
            "CreativeWork",
            name=f"checkpoint of the generator {pool.name}",
            description=f"saw {facts['training_images']} images; patients: {facts['training_patients']}",
            identifier=f"sha256:{pool.checkpoint}",
        )
        told(
            f"#sample-{pool.kind}-fold{pool.fold}",
            "CreateAction",
            name=f"drawing and selecting the pool {pool.name}",
            instrument=synthtrace,
            object=checkpoint,
            result=held,
        )
    crate.metadata.write(folder)
