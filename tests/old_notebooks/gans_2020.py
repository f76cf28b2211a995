"""What Generative_Adversarial_Networks.ipynb calls, from 2020 to 2023."""

import numpy as np
import torch
import torchvision.datasets as dset
import torchvision.transforms as T
from torch.utils.data import DataLoader

from cs231n.gan_pytorch import (
    ChunkSampler,
    Flatten,  # noqa: F401
    Unflatten,  # noqa: F401
    bce_loss,
    build_dc_classifier,
    build_dc_generator,
    count_params,
    deprocess_img,
    discriminator,
    discriminator_loss,
    generator,
    generator_loss,
    get_optimizer,
    initialize_weights,
    ls_discriminator_loss,
    ls_generator_loss,
    preprocess_img,
    rel_error,
    run_a_gan,
    sample_noise,
    show_images,
)

NUM_TRAIN, NUM_VAL, NOISE_DIM, batch_size = 256, 64, 96, 32
dtype = torch.FloatTensor
folder = "./cs231n/datasets/MNIST_data"
mnist_train = dset.MNIST(folder, train=True, download=True, transform=T.ToTensor())
loader_train = DataLoader(mnist_train, batch_size=batch_size, sampler=ChunkSampler(NUM_TRAIN, 0))
loader_val = DataLoader(mnist_train, batch_size=batch_size, sampler=ChunkSampler(NUM_VAL, NUM_TRAIN))
imgs = next(iter(loader_train))[0].view(batch_size, 784).numpy().squeeze()
show_images(imgs)
assert len(next(iter(loader_val))[0]) == batch_size
assert np.allclose(deprocess_img(preprocess_img(imgs)), imgs, atol=1e-6)

torch.manual_seed(231)
z = sample_noise(3, 4).cpu().numpy()
assert z.shape == (3, 4) and np.all(np.abs(z) <= 1) and np.any(z < 0) and np.any(z > 0)
assert count_params(discriminator()) == 267009 and count_params(generator(4)) == 1858320
assert count_params(build_dc_classifier(batch_size)) == 1102721 and count_params(build_dc_generator(4)) == 6580801

logits_real, logits_fake = (torch.Tensor(a).type(dtype) for a in (np.linspace(-1, 2, 9), np.linspace(-2, 1, 9)))
assert rel_error(bce_loss(logits_real, torch.ones(9)).numpy(), generator_loss(logits_real).numpy()) < 1e-6
for loss in (discriminator_loss, ls_discriminator_loss):
    assert loss(logits_real, logits_fake).cpu().numpy() > 0
for loss in (generator_loss, ls_generator_loss):
    assert loss(logits_fake).cpu().numpy() > 0


def shown(images):
    for img in images:
        show_images(img)
    show_images(images[-1])


# The fully connected ones, for either loss
for losses in ((discriminator_loss, generator_loss), (ls_discriminator_loss, ls_generator_loss)):
    D, G = discriminator().type(dtype), generator().type(dtype)
    D_solver, G_solver = get_optimizer(D), get_optimizer(G)
    shown(run_a_gan(D, G, D_solver, G_solver, *losses, loader_train, batch_size=batch_size, num_epochs=1))

# The convolutional ones
batch = next(enumerate(loader_train))[-1][0].type(dtype)
b = build_dc_classifier(batch_size).type(dtype)
assert b(batch).size() == (batch_size, 1)
test_g_gan = build_dc_generator().type(dtype)
test_g_gan.apply(initialize_weights)
assert test_g_gan.forward(torch.randn(batch_size, NOISE_DIM).type(dtype)).size() == (batch_size, 784)
D_DC, G_DC = build_dc_classifier(batch_size).type(dtype), build_dc_generator().type(dtype)
D_DC.apply(initialize_weights)
G_DC.apply(initialize_weights)
D_DC_solver, G_DC_solver = get_optimizer(D_DC), get_optimizer(G_DC)
losses = discriminator_loss, generator_loss
shown(run_a_gan(D_DC, G_DC, D_DC_solver, G_DC_solver, *losses, loader_train, 5, batch_size, NOISE_DIM, 1))
