"""A GAN's losses once more, as squares."""

import numpy as np

from ..authoring.layers import mean_square
from ..authoring.scores import pair_loss, single_loss
from ..authoring.variants import mistakes

MODULE = "cs231n.gan_pytorch"


ls_discriminator_loss = pair_loss(
    "ls_discriminator_loss",
    MODULE,
    seed=181,
    notebook="GANs",
    minutes=3,
    hints=(
        "The same game with squares: scores of real images should be 1, those of fakes 0. Each distance is squared and "
        "averaged over its own batch.",
        "0.5 * ((scores_real - 1) ** 2).mean() + 0.5 * (scores_fake ** 2).mean()",
    ),
)


@ls_discriminator_loss.oracle
def _(scores_real, scores_fake):
    return {
        "loss": np.mean((scores_real - 1) ** 2) / 2 + np.mean(scores_fake**2) / 2,
        "gradient_real": (scores_real - 1) / scores_real.size,
        "gradient_fake": scores_fake / scores_fake.size,
    }


mistakes(
    ls_discriminator_loss,
    {
        "the factor 1/2 is missing": lambda real, fake: mean_square(real - 1) + mean_square(fake),
        "the factor is 1/4: each half is halved, and then the two are averaged": (
            lambda real, fake: (mean_square(real - 1) + mean_square(fake)) / 4
        ),
        "only the real images' half is halved": lambda real, fake: mean_square(real - 1) / 2 + mean_square(fake),
        "a sigmoid is made of the scores first": (
            lambda real, fake: (mean_square(real.sigmoid() - 1) + mean_square(fake.sigmoid())) / 2
        ),
        "the targets are exchanged: real images 0, fakes 1": (
            lambda real, fake: (mean_square(real) + mean_square(fake - 1)) / 2
        ),
        "fakes get the target 1, too: that is what the generator wants": (
            lambda real, fake: (mean_square(real - 1) + mean_square(fake - 1)) / 2
        ),
        "real images get the target 0, too": lambda real, fake: (mean_square(real) + mean_square(fake)) / 2,
        "the squares are added up instead of averaged": (
            lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / 2
        ),
        "all images, real and fake, are averaged in one mean": (
            lambda real, fake: ((real - 1).square().sum() + fake.square().sum()) / (real.numel() + fake.numel())
        ),
        "the distances are not squared: it is their absolute values": (
            lambda real, fake: ((real - 1).abs().mean() + fake.abs().mean()) / 2
        ),
        "the mean is squared, instead of the mean of squares taken": (
            lambda real, fake: ((real - 1).mean().square() + fake.mean().square()) / 2
        ),
        "the fakes are left out": lambda real, fake: mean_square(real - 1) / 2,
    },
)  # fmt: skip


ls_generator_loss = single_loss(
    "ls_generator_loss",
    MODULE,
    seed=191,
    notebook="GANs",
    minutes=3,
    hints=(
        "Which score would the generator like its images to have? The loss is half the mean squared distance to it.",
        "0.5 * ((scores_fake - 1) ** 2).mean()",
    ),
)


@ls_generator_loss.oracle
def _(scores_fake):
    return {"loss": np.mean((scores_fake - 1) ** 2) / 2, "gradient": (scores_fake - 1) / scores_fake.size}


mistakes(
    ls_generator_loss,
    {
        "the factor 1/2 is missing": lambda fake: mean_square(fake - 1),
        "a sigmoid is made of the scores first": lambda fake: mean_square(fake.sigmoid() - 1) / 2,
        "the target is 0: the generator helps the discriminator": lambda fake: mean_square(fake) / 2,
        "the discriminator's loss is turned round: the scores shall be far from 0, on whichever side": (
            lambda fake: -mean_square(fake) / 2
        ),
        "the target is -1: the sign in the bracket is wrong": lambda fake: mean_square(fake + 1) / 2,
        "the squares are added up instead of averaged": lambda fake: (fake - 1).square().sum() / 2,
        "the distances are not squared: it is their absolute values": lambda fake: (fake - 1).abs().mean() / 2,
        "the mean is squared, instead of the mean of squares taken": lambda fake: (fake - 1).mean().square() / 2,
    },
)  # fmt: skip
