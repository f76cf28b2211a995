"""Wasserstein GANs: the judge becomes a critic, whose scores tell how far the generated images are from the real ones.

The critic is any of gan_pytorch's discriminators (none has a BatchNorm, which would mix the images of a batch), its
scores are (N, 1) or (N,), any real numbers. Sources: Arjovsky, Chintala, Bottou 2017, Wasserstein GAN,
https://arxiv.org/abs/1701.07875; Gulrajani et al. 2017, Improved Training of Wasserstein GANs,
https://arxiv.org/abs/1704.00028
"""

import torch

PENALTY = 10.0  # how much the penalty weighs in the critic's loss (Gulrajani et al.)


def wgan_discriminator_loss(scores_real, scores_fake):
    """What the critic minimises: it wants real images to score higher than fakes, by as much as it can; a scalar.

    Less this loss is its estimate of the Wasserstein distance (times the critic's slope) between fakes and real images.
    In Gulrajani et al., eq. 3, it is the original critic loss.
    """
    # TODO(wgan_discriminator_loss): the difference of two means; no logarithm, no sigmoid. Mind which one is to grow.
    ### BEGIN SOLUTION wgan_discriminator_loss
    return scores_fake.mean() - scores_real.mean()
    ### END SOLUTION


def wgan_generator_loss(scores_fake):
    """What the generator minimises: it wants its images to score high; a scalar."""
    # TODO(wgan_generator_loss): one mean, with the right sign.
    ### BEGIN SOLUTION wgan_generator_loss
    return -scores_fake.mean()
    ### END SOLUTION


def gradient_penalty(D, real, fake, mix):
    """How far the critic's slope is from 1 between real and generated images; a scalar, differentiable for D's weights.

    real, fake: images (N, ...) of one shape. mix (N,): in 0..1, the share of `real` in each of the N mixtures.
    The mean over these of (|gradient of D's score for the mixture| - 1)^2 (Gulrajani et al., eq. 3), to be weighted
    with PENALTY. Raises ValueError for shapes that do not fit.
    """
    if real.shape != fake.shape:
        raise ValueError(f"real has shape {tuple(real.shape)} and fake {tuple(fake.shape)}; try fake.view_as(real)")
    if mix.shape != real.shape[:1]:
        raise ValueError(f"mix has shape {tuple(mix.shape)}; {len(real)} images need one number each, ({len(real)},)")
    # TODO(gradient_penalty): mix real and fake image by image; torch.autograd.grad of the sum of D's scores for the
    # mixture, with create_graph=True, since the penalty is differentiated once more; one norm for each image.
    ### BEGIN SOLUTION gradient_penalty
    mix = mix.reshape(-1, *[1] * (real.dim() - 1))
    mixture = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(D(mixture).sum(), mixture, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    ### END SOLUTION
