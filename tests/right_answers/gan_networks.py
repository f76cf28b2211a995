"""Noise, and the four networks of GANs: in a row, in classes, with functions in between."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cs231n.gan_pytorch import Flatten, Unflatten, initialize_weights

from . import right

# Noise --------------------------------------------------------------------------------------------------------------


@right("sample_noise", "doubled, and shifted by 1")
def _(batch_size, dim, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.rand((batch_size, dim), generator=generator) * 2 - 1


@right("sample_noise", "uniform_ fills an empty tensor")
def _(batch_size, dim, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return torch.empty(batch_size, dim).uniform_(-1, 1, generator=generator)


@right("sample_noise", "centred, then divided by a half")
def _(batch_size, dim, seed=None):
    generator = torch.Generator()
    generator.seed() if seed is None else generator.manual_seed(seed)
    return (torch.rand(batch_size, dim, generator=generator) - 0.5) / 0.5


@right("sample_noise", "a seed for all of torch, as the assignment sets it")
def _(batch_size, dim, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return torch.FloatTensor(batch_size, dim).uniform_(-1, 1)


@right("sample_noise", "without the generator", remark="a seed does not count")
def _(batch_size, dim, seed=None):
    return 2 * (torch.rand(batch_size, dim) - 0.5)


@right("sample_noise", "drawn by numpy", remark="a seed does not count")
def _(batch_size, dim, seed=None):
    return torch.from_numpy(np.random.uniform(-1, 1, (batch_size, dim))).float()


# Fully connected ----------------------------------------------------------------------------------------------------


@right("discriminator", "torch's own Flatten, in place between")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(inplace=True), nn.Linear(256, 256), nn.LeakyReLU(inplace=True),
        nn.Linear(256, 1),
    )  # fmt: skip


@right("discriminator", "an ordered dict of layers")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    layers = [("flatten", Flatten()), ("fc1", nn.Linear(784, 256)), ("act1", nn.LeakyReLU(negative_slope=0.01))]
    layers += [("fc2", nn.Linear(256, 256)), ("act2", nn.LeakyReLU(negative_slope=1e-2)), ("fc3", nn.Linear(256, 1))]
    return nn.Sequential(OrderedDict(layers))


@right("discriminator", "a class that names its last layer first")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.score = nn.Linear(256, 1)
            self.second = nn.Linear(256, 256)
            self.first = nn.Linear(784, 256)

        def forward(self, x):
            x = x.view(x.size(0), -1)
            x = F.leaky_relu(self.first(x), 0.01)
            return self.score(F.leaky_relu(self.second(x)))

    return Discriminator()


def add_layer(model, *sizes, last=False):
    """One layer of the answer below."""
    model.add_module(f"linear{len(model)}", nn.Linear(*sizes))
    if not last:
        model.add_module(f"leaky{len(model)}", nn.LeakyReLU())


@right("discriminator", "layers from a helper and a loop")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    model, sizes = nn.Sequential(Flatten()), [784, 256, 256, 1]
    for k in range(3):
        add_layer(model, sizes[k], sizes[k + 1], last=k == 2)
    return model


@right("discriminator", "weights used through F.linear and by a product of their transpose")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(256, 1), nn.Linear(784, 256), nn.Linear(256, 256)])

        def forward(self, x):
            out, one, two = self.layers
            x = F.leaky_relu(F.linear(x.flatten(start_dim=1), one.weight, one.bias), negative_slope=0.01)
            x = x @ two.weight.T + two.bias
            return out(torch.where(x > 0, x, 0.01 * x))

    return Discriminator()


@right("discriminator", "matrices of its own, the other way round, and Xavier's start")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Layer(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.randn(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            return torch.addmm(self.bias, x, self.weight)

    layers = Layer(784, 256), nn.LeakyReLU(0.01), Layer(256, 256), nn.LeakyReLU(0.01), Layer(256, 1)
    return nn.Sequential(nn.Flatten(), *layers)


@right("discriminator", "float32 is made of the images", remark="right for float32")
def _(seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 256), nn.LeakyReLU())
            self.head = nn.Linear(256, 1)

        def forward(self, x):
            return self.head(self.body(x.type(torch.FloatTensor).reshape(len(x), 784)))

    return Discriminator()


@right("generator", "in place between the layers")
def _(noise_dim=96, seed=None):
    if seed is not None:
        torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(noise_dim, 1024), nn.ReLU(inplace=True), nn.Linear(1024, 1024), nn.ReLU(True), nn.Linear(1024, 784),
        nn.Tanh(),
    )  # fmt: skip


@right("generator", "a class with relu and tanh in forward, layers named out of order")
def _(noise_dim=96, seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.fc2 = nn.Linear(1024, 784), nn.Linear(1024, 1024)
            self.fc1 = nn.Linear(noise_dim, 1024)

        def forward(self, z):
            return torch.tanh(self.out(F.relu(self.fc2(F.relu(self.fc1(z))))))

    return Generator()


@right("generator", "blocks in a list, Xavier's start by apply")
def _(noise_dim=96, seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    def block(inputs, outputs):
        return [nn.Linear(inputs, outputs), nn.ReLU()]

    model = nn.Sequential(*block(noise_dim, 1024), *block(1024, 1024), nn.Linear(1024, 784), nn.Tanh())
    return model.apply(initialize_weights)


@right("generator", "two networks in a row, clamp for relu")
def _(noise_dim=96, seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Hidden(nn.Module):
        def __init__(self, inputs):
            super().__init__()
            self.linear = nn.Linear(inputs, 1024)

        def forward(self, x):
            return self.linear(x).clamp(min=0)

    return nn.Sequential(nn.Sequential(Hidden(noise_dim), Hidden(1024)), nn.Sequential(nn.Linear(1024, 784), nn.Tanh()))


@right("generator", "tanh from a sigmoid")
def _(noise_dim=96, seed=None):
    if seed is not None:
        torch.manual_seed(seed)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = noise_dim, 1024, 1024, 784
            self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

        def forward(self, x):
            for k, layer in enumerate(self.layers):
                x = layer(x if k == 0 else torch.relu(x))
            return 2 * torch.sigmoid(2 * x) - 1

    return Generator()


# Convolutional ------------------------------------------------------------------------------------------------------


@right("build_dc_classifier", "batch_size as it comes, None and all")
def _(batch_size=None):
    return nn.Sequential(
        Unflatten(batch_size, 1, 28, 28), nn.Conv2d(1, 32, kernel_size=5, stride=1), nn.LeakyReLU(0.01),
        nn.MaxPool2d(2, stride=2), nn.Conv2d(32, 64, kernel_size=5, stride=1), nn.LeakyReLU(0.01),
        nn.MaxPool2d(kernel_size=2, stride=2), Flatten(), nn.Linear(4 * 4 * 64, 4 * 4 * 64), nn.LeakyReLU(0.01),
        nn.Linear(4 * 4 * 64, 1),
    )  # fmt: skip


@right("build_dc_classifier", "torch's Flatten and Unflatten, in place between")
def _(batch_size=None):
    return nn.Sequential(
        nn.Flatten(), nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 32, 5), nn.LeakyReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, (5, 5), padding=0), nn.LeakyReLU(inplace=True), nn.MaxPool2d((2, 2)),
        nn.Flatten(), nn.Linear(1024, 1024), nn.LeakyReLU(inplace=True), nn.Linear(1024, 1),
    )  # fmt: skip


class Classifier(nn.Module):
    """The answer below, outside of its function, with the last layers named first."""

    def __init__(self):
        super().__init__()
        self.fc2, self.fc1 = nn.Linear(1024, 1), nn.Linear(1024, 1024)
        self.conv2, self.conv1 = nn.Conv2d(32, 64, 5), nn.Conv2d(1, 32, 5)

    def forward(self, x):
        x = x.view(-1, 1, 28, 28)
        x = F.max_pool2d(F.leaky_relu(self.conv1(x), 0.01), 2)
        x = F.max_pool2d(F.leaky_relu(self.conv2(x), 0.01), 2, 2)
        x = F.leaky_relu(self.fc1(x.view(x.size(0), -1)), 0.01)
        return self.fc2(x)


@right("build_dc_classifier", "a class of the module, layers named out of order")
def _(batch_size=None):
    return Classifier()


@right("build_dc_classifier", "pooling before the activation, which is monotone")
def _(batch_size=None):
    def block(inputs, outputs):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 5), nn.MaxPool2d(2), nn.LeakyReLU(0.01))

    return nn.Sequential(
        Unflatten(-1, 1, 28, 28), block(1, 32), block(32, 64), nn.Flatten(), nn.Linear(1024, 1024), nn.LeakyReLU(0.01),
        nn.Linear(1024, 1),
    )  # fmt: skip


@right("build_dc_classifier", "one activation serves three times, layers from a loop")
def _(batch_size=None):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.pool = nn.LeakyReLU(), nn.AdaptiveMaxPool2d(4)
            self.dense = nn.ModuleList([nn.Linear(1024, 1024), nn.Linear(1024, 1)])
            self.convs = nn.ModuleList(nn.Conv2d(*channels, 5) for channels in ((1, 32), (32, 64)))

        def forward(self, x):
            x = F.max_pool2d(self.act(self.convs[0](x.reshape(x.shape[0], 1, 28, 28))), 2)
            x = self.pool(self.act(self.convs[1](x)))
            first, second = self.dense
            return second(self.act(first(torch.flatten(x, 1))))

    return Net()


@right("build_dc_generator", "spelled with keywords")
def _(noise_dim=96):
    return nn.Sequential(
        nn.Linear(noise_dim, 1024), nn.ReLU(), nn.BatchNorm1d(num_features=1024),
        nn.Linear(1024, 7 * 7 * 128), nn.ReLU(), nn.BatchNorm1d(num_features=7 * 7 * 128),
        Unflatten(None, 128, 7, 7),
        nn.ConvTranspose2d(in_channels=128, out_channels=64, kernel_size=4, stride=2, padding=1),
        nn.ReLU(), nn.BatchNorm2d(num_features=64),
        nn.ConvTranspose2d(in_channels=64, out_channels=1, kernel_size=4, stride=2, padding=1),
        nn.Tanh(), Flatten(),
    )  # fmt: skip


@right("build_dc_generator", "Unflatten by its defaults, in place between")
def _(noise_dim=96):
    return nn.Sequential(
        nn.Linear(noise_dim, 1024), nn.ReLU(True), nn.BatchNorm1d(1024),
        nn.Linear(1024, 6272), nn.ReLU(True), nn.BatchNorm1d(6272), Unflatten(),
        nn.ConvTranspose2d(128, 64, (4, 4), (2, 2), (1, 1)), nn.ReLU(True), nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, (4, 4), (2, 2), (1, 1)), nn.Tanh(), nn.Flatten(),
    )  # fmt: skip


@right("build_dc_generator", "a class whose layers are named from the last to the first")
def _(noise_dim=96):
    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.up2 = nn.ConvTranspose2d(64, 1, 4, 2, 1)
            self.norm3, self.up1 = nn.BatchNorm2d(64), nn.ConvTranspose2d(128, 64, 4, 2, 1)
            self.norm2, self.fc2 = nn.BatchNorm1d(6272), nn.Linear(1024, 6272)
            self.norm1, self.fc1 = nn.BatchNorm1d(1024), nn.Linear(noise_dim, 1024)

        def forward(self, z):
            x = self.norm1(F.relu(self.fc1(z)))
            x = self.norm2(F.relu(self.fc2(x))).view(-1, 128, 7, 7)
            x = self.norm3(F.relu(self.up1(x)))
            return torch.tanh(self.up2(x)).view(x.shape[0], -1)

    return Generator()


@right("build_dc_generator", "blocks from a function, torch's Unflatten")
def _(noise_dim=96):
    def dense(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.BatchNorm1d(outputs))

    return nn.Sequential(
        dense(noise_dim, 1024), dense(1024, 6272), nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.BatchNorm2d(64), nn.ConvTranspose2d(64, 1, 4, 2, 1),
        nn.Tanh(), Flatten(),
    )  # fmt: skip


@right("build_dc_generator", "two networks, and a reshape that the outer one makes")
def _(noise_dim=96):
    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.paint = nn.Sequential(
                nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(), nn.BatchNorm2d(64),
                nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
            )  # fmt: skip
            self.think = nn.Sequential(
                nn.Linear(noise_dim, 1024), nn.ReLU(), nn.BatchNorm1d(1024), nn.Linear(1024, 6272), nn.ReLU(),
                nn.BatchNorm1d(6272),
            )  # fmt: skip

        def forward(self, z):
            return self.paint(self.think(z).reshape(z.size(0), 128, 7, 7)).flatten(1)

    return Generator()
