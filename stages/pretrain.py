"""Autoencoders that have seen no patient of the study: trained on unlabelled images, or taken from given checkpoints."""

from pathlib import Path

from synthtrace.cards import write_card
from synthtrace.generators.spaces import spaces
from synthtrace.stage import stage


def main() -> None:
    """Train, fetch, or note that none is wanted, for each latent space."""
    corpus = Path("data/unlabelled")
    with stage("pretrain") as run, run.output("data/autoencoders/pretrained") as folder:
        params = run.params
        if params.autoencoder.mode == "scratch":
            run.say("nothing to pre-train: autoencoder.mode is scratch")
            for space in spaces(params.autoencoder):
                (folder / space).mkdir(parents=True)
                write_card(folder / space, kind="none", space=space, patient_ids=[], image_ids=[])
            return

        from synthtrace import compute
        from synthtrace.generators.train_autoencoder import take_autoencoder, train_autoencoder
        from synthtrace.generators.unlabelled import unlabelled_images
        from synthtrace.tracking import track

        for space in spaces(params.autoencoder):
            settings = params.autoencoder.of_space(space)
            if settings.pretrained:
                run.say(f"{space}: taking {settings.pretrained}")
                take_autoencoder(settings.pretrained, params, space, folder / space)
                continue
            device = compute.set_up(run)
            source, manifest = unlabelled_images(corpus, params.preprocess.channels)
            run.say(
                f"{space}: {settings.steps} steps on {len(manifest)} unlabelled images "
                f"from {manifest['source'].nunique()} sources "
                f"({device}, {compute.precision(params.compute.precision, device)})"
            )
            config = settings.model_dump() | {"space": space, "seed": params.seed}
            with track(run, f"pretrain {space}", [corpus], config) as tracker:
                train_autoencoder(source, manifest, params, space, None, folder / space, tracker, device)


if __name__ == "__main__":
    main()
