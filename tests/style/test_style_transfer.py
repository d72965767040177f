"""Guided denoising brings the style, keeps the masks, and each image's noise is its own."""

import pytest
import torch
from diffusers import DDPMScheduler
from disc_pairs import NONE, TABLE_A3, discs, settings, streams, untrained

from synthtrace import compute
from synthtrace.errors import InputError
from synthtrace.generators.pairs.network import Denoiser
from synthtrace.generators.style import losses
from synthtrace.generators.style.guide import Guide, encoded
from synthtrace.generators.style.guided import limited, style
from synthtrace.generators.style.networks import Networks
from synthtrace.generators.style.schedule import Respaced

PAIRS, TARGETS = discs(4, 5, background=0.2), discs(4, 6, background=-0.6)[:, :-1]


def images(styled: torch.Tensor) -> torch.Tensor:
    return styled[:, :-1]


def test_guidance_lowers_the_style_loss_against_no_guidance_with_the_same_noise(model: Denoiser, networks: Networks) -> None:
    # tokens of a network that has learned nothing hardly differ: at the table's weight they hardly guide
    weights = (NONE, TABLE_A3, NONE | {"token": 1e7})
    plain, styled, by_token = (style(model, PAIRS, TARGETS, networks, settings(weights=asked), streams(4)) for asked in weights)
    assert (losses.squared(images(styled), TARGETS) < 0.8 * losses.squared(images(plain), TARGETS)).all()
    token = networks.token(TARGETS)
    without, guided = (losses.squared(networks.token(images(one)), token) for one in (plain, by_token))
    assert guided.mean() < 0.8 * without.mean()


def test_guidance_by_content_holds_the_pair(model: Denoiser, networks: Networks) -> None:
    content = NONE | {name: TABLE_A3[name] for name in ("zecon", "perceptual", "mse")}
    plain = style(model, PAIRS, TARGETS, networks, settings(weights=NONE), streams(4))
    held = style(model, PAIRS, TARGETS, networks, settings(weights=content), streams(4))
    assert (losses.squared(images(held), images(PAIRS)) < 0.8 * losses.squared(images(plain), images(PAIRS))).all()


@pytest.mark.parametrize("name", sorted(TABLE_A3))
def test_every_term_alone_moves_the_images_and_no_mask(name: str, model: Denoiser, networks: Networks) -> None:
    asked = NONE | {name: TABLE_A3[name]}
    plain = style(model, PAIRS, TARGETS, networks, settings(weights=NONE), streams(4))
    styled = style(model, PAIRS, TARGETS, networks, settings(weights=asked), streams(4))
    assert (losses.squared(images(styled), images(plain)) > 0).all()
    assert torch.equal(styled[:, -1:], PAIRS[:, -1:])
    assert styled[:, :-1].abs().max() <= 1


def test_without_weights_it_is_plain_denoising_by_ddpm_with_the_mask_known(model: Denoiser, networks: Networks) -> None:
    asked = settings(weights=NONE, steps=20, skip_timesteps=8)
    found = style(model, PAIRS[:1], TARGETS[:1], networks, asked, streams(1))
    scheduler = DDPMScheduler(1000, timestep_spacing="linspace", clip_sample=False)
    scheduler.set_timesteps(20)
    timesteps, stream = scheduler.timesteps[8:], streams(1)[0]
    torch.randint(2**62, (1,), generator=stream)  # the seed of the patches' places
    values = scheduler.add_noise(PAIRS[:1], torch.randn(1, 4, 16, 16, generator=stream), timesteps[:1])
    for timestep, following in zip(timesteps, [*timesteps[1:], None], strict=True):
        with torch.no_grad():
            predicted = model.unet(values, timestep).sample
        noise = torch.randn(1, 4, 16, 16, generator=stream.clone_state())
        values = scheduler.step(predicted, timestep, values, generator=stream).prev_sample
        if following is not None:
            values[:, -1:] = scheduler.add_noise(PAIRS[:1, -1:], noise[:, -1:], following.view(1))
    assert torch.allclose(images(found), images(values).clamp(-1, 1), atol=1e-3)


def test_an_image_does_not_depend_on_its_batch(model: Denoiser, networks: Networks) -> None:
    def styled(batch_size: int, part: slice, first: int = 0) -> torch.Tensor:
        asked = settings(steps=10, skip_timesteps=4, batch_size=batch_size)
        return style(model, PAIRS[part], TARGETS[part], networks, asked, streams(4, first)[part])

    together = styled(3, slice(4))
    assert torch.allclose(together, styled(1, slice(4)), atol=1e-3)
    assert torch.allclose(together[2:3], styled(3, slice(2, 3)), atol=1e-3)
    assert torch.equal(together, styled(3, slice(4)))
    assert (losses.squared(together, styled(3, slice(4), first=9)) > 1e-4).all()


def test_the_fewer_steps_are_left_the_nearer_is_the_pair_and_the_last_has_no_noise(model: Denoiser, networks: Networks) -> None:
    moved = []
    for skipped in (4, 14, 19):
        styled = style(model, PAIRS, TARGETS, networks, settings(weights=NONE, skip_timesteps=skipped), streams(4))
        moved.append(losses.squared(images(styled), images(PAIRS)).mean().item())
    assert moved[0] > moved[1] > moved[2]
    assert moved[2] < 1e-3


def test_the_schedule_starts_and_steps_as_it_says() -> None:
    schedule = Respaced.of(DDPMScheduler(1000), 200)
    assert schedule.timesteps[[0, 119, 199]].tolist() == [0, 597, 999]
    clean, noise = torch.randn(2, 1, 3, 4, 4, generator=compute.generator(0))
    share = DDPMScheduler(1000).alphas_cumprod[597]
    values = schedule.noisy(clean, noise, 119)
    assert torch.allclose(values, share.sqrt() * clean + (1 - share).sqrt() * noise, atol=1e-6)
    assert torch.allclose(schedule.clean(values, noise, 119), clean, atol=1e-5)
    velocity = Respaced.of(DDPMScheduler(1000, prediction_type="v_prediction"), 200)
    assert torch.allclose(velocity.clean(values, share.sqrt() * noise - (1 - share).sqrt() * clean, 119), clean, atol=1e-5)
    mean, variance = schedule.posterior(values, clean, 0)
    assert torch.allclose(mean, clean, atol=1e-6)
    assert variance == 0


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_a_learned_variance_is_left_out(prediction_type: str, networks: Networks) -> None:
    doubled, single = untrained(8, prediction_type), untrained(4, prediction_type)
    state = {name: value[:4] if name.startswith("conv_out") else value for name, value in doubled.unet.state_dict().items()}
    single.unet.load_state_dict(state)
    asked = settings(steps=6, skip_timesteps=2)
    found = [style(one, PAIRS[:2], TARGETS[:2], networks, asked, streams(2)) for one in (doubled, single)]
    assert torch.equal(*found)


def test_the_encoder_is_the_denoisers_own(model: Denoiser) -> None:
    heard: list[torch.Tensor] = []
    watched = [model.unet.conv_in, model.unet.down_blocks[0].resnets[-1], model.unet.down_blocks[1].attentions[-1]]
    hooks = [part.register_forward_hook(lambda _, given, result: heard.append(result)) for part in watched]
    with torch.no_grad():
        model.unet(PAIRS, torch.zeros(4, dtype=torch.long))
        expected, heard = list(heard), []
        found = encoded(model.unet, PAIRS)
    for hook in hooks:
        hook.remove()
    assert len(found) == len(expected) == 3
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_terms_of_the_pair_itself_are_zero_where_they_should_be(model: Denoiser, networks: Networks) -> None:
    guide = Guide(model.unet, networks, settings(), PAIRS, images(PAIRS), streams(4))
    with torch.no_grad():
        terms = guide.terms(images(PAIRS))
        moved = guide.terms(TARGETS)
    assert set(terms) == set(TABLE_A3)
    assert all(torch.equal(value, torch.zeros(4)) for name, value in terms.items() if name != "zecon")
    assert (terms["zecon"] < moved["zecon"]).all()
    assert (moved["semantic"] < 0).all()
    with torch.no_grad():
        assert torch.equal(guide.terms(TARGETS)["semantic"], torch.zeros(4))  # the step before looked just so


def test_a_long_shift_is_scaled_to_the_root_mean_square_of_the_noise_and_a_short_one_stays() -> None:
    shift = torch.ones(2, 3, 4, 4) * torch.tensor([0.2, -5.0]).view(2, 1, 1, 1)
    assert torch.allclose(limited(shift, 0.5), torch.ones(2, 3, 4, 4) * torch.tensor([0.2, -0.5]).view(2, 1, 1, 1))


def test_a_gradient_that_would_explode_leaves_images_in_sight_of_the_target(model: Denoiser, networks: Networks) -> None:
    plain, huge = (settings(weights=NONE | {"l2": weight}) for weight in (0, 1e12))
    found = [style(model, PAIRS, TARGETS, networks, asked, streams(4)) for asked in (plain, huge)]
    without, guided = (losses.squared(images(one), TARGETS) for one in found)
    assert (guided < 0.8 * without).all()


def test_what_is_not_finite_is_refused_by_the_pair(model: Denoiser, networks: Networks) -> None:
    targets = TARGETS.clone()
    targets[3, 0, 0, 0] = torch.nan
    with pytest.raises(InputError, match="gradient of pair 3 is not finite at step 11"):
        style(model, PAIRS, targets, networks, settings(), streams(4))
    pairs = PAIRS.clone()
    pairs[1, 0, 0, 0] = torch.inf
    with pytest.raises(InputError, match="styled image of pair 1 is not finite"):
        style(model, pairs, TARGETS, networks, settings(weights=NONE), streams(4))


def test_what_does_not_fit_is_refused(model: Denoiser, networks: Networks) -> None:
    with pytest.raises(InputError, match="4 pairs, 3 targets and 4 streams"):
        style(model, PAIRS, TARGETS[:3], networks, settings(), streams(4))
    with pytest.raises(InputError, match="targets without the last channel, the mask"):
        style(model, PAIRS, PAIRS, networks, settings(), streams(4))
    odd, short = untrained(prediction_type="sample"), model._replace(scheduler=DDPMScheduler(10))
    with pytest.raises(InputError, match="predicts 'sample'; expected epsilon or v_prediction"):
        style(odd, PAIRS, TARGETS, networks, settings(), streams(4))
    with pytest.raises(InputError, match="steps: 20, but the denoiser knows 10 timesteps"):
        style(short, PAIRS, TARGETS, networks, settings(), streams(4))
