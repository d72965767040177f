"""An autoencoder that has seen no patient of the study: trained on unlabelled images, or taken from a given checkpoint."""

from pathlib import Path

import numpy as np
import pandas as pd

from synthtrace.cards import write_card
from synthtrace.stage import stage


def main() -> None:
    """Train, fetch, or note that none is wanted."""
    corpus = Path("data/raw/phantom_unlabelled")
    with stage("pretrain") as run, run.output("data/autoencoders/pretrained") as folder:
        params = run.params
        if params.autoencoder.mode == "scratch":
            run.say("nothing to pre-train: autoencoder.mode is scratch")
            folder.mkdir()
            write_card(folder, kind="none", patient_ids=[], image_ids=[])
            return

        from synthtrace import compute
        from synthtrace.generators import autoencoder
        from synthtrace.generators.batches import TrainingImages
        from synthtrace.generators.train_autoencoder import train_autoencoder
        from synthtrace.preprocess.crops import native_stack
        from synthtrace.tracking import track

        if params.autoencoder.pretrained:
            run.say(f"taking {params.autoencoder.pretrained}")
            given = autoencoder.load(params.autoencoder.pretrained)
            autoencoder.check_fits(given, params.preprocess, len(params.generator.channels))
            given.save_pretrained(folder)
            source = params.autoencoder.pretrained
            write_card(folder, kind="autoencoder", taken_from=source, patient_ids=[], image_ids=[])
            return
        device = compute.set_up(run)
        manifest = pd.read_csv(corpus / "manifest.csv", dtype={"patient_id": "string"})
        manifest["image_id"] = [Path(path).stem for path in manifest["path"]]
        patients = manifest["patient_id"].nunique()
        run.say(
            f"{params.autoencoder.steps} steps on {len(manifest)} unlabelled images of {patients} other patients ({device})"
        )
        images = native_stack(corpus, manifest, params.preprocess)
        source_images = TrainingImages(images, None, np.zeros(len(manifest), dtype=np.int64), manifest["image_id"].tolist())
        config = params.autoencoder.model_dump() | {"seed": params.seed}
        with track(run, "pretrain", [corpus], config) as tracker:
            train_autoencoder(source_images, manifest, params, ("pretrain",), folder, tracker, device)


if __name__ == "__main__":
    main()
