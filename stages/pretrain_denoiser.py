"""The denoiser that a kind of generator starts from, trained on unlabelled images: data/denoisers/<kind>."""

import argparse
from pathlib import Path

from synthtrace.cards import write_card
from synthtrace.stage import stage


def main() -> None:
    """Train it, or note that none is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", required=True)
    kind = parser.parse_args().kind
    corpus, autoencoders = Path("data/unlabelled"), Path("data/autoencoders/pretrained")
    job = f"pretrain_denoiser@{kind}"
    with stage(job) as run, run.output(f"data/denoisers/{kind}") as folder:
        params = run.params
        if params.autoencoder.mode == "scratch" or not params.family(kind).starts_pretrained:
            reason = "autoencoder.mode is scratch" if params.family(kind).starts_pretrained else f"{kind} starts from none"
            run.say(f"no denoiser to pre-train: {reason}")
            folder.mkdir()
            write_card(folder, kind="none", patient_ids=[], image_ids=[])
            return

        from synthtrace import compute
        from synthtrace.generators.unconditional import pretrain_denoiser
        from synthtrace.generators.unlabelled import unlabelled_images
        from synthtrace.tracking import track

        device = compute.set_up(run)
        source, manifest = unlabelled_images(corpus, params.preprocess.channels)
        run.say(
            f"{params.generator.steps} steps on {len(manifest)} unlabelled images "
            f"from {manifest['source'].nunique()} sources "
            f"({device}, {compute.precision(params.compute.precision, device)})"
        )
        config = params.generator.model_dump() | {"kind": kind, "seed": params.seed}
        with track(run, job, [corpus, autoencoders], config) as tracker:
            pretrain_denoiser(source, manifest, params, kind, autoencoders, folder, tracker, device)


if __name__ == "__main__":
    main()
