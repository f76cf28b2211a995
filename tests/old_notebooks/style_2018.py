"""What StyleTransfer-PyTorch.ipynb of 2018 and 2019 takes from outside: it holds the functions itself."""

import PIL
import torch
import torchvision
import torchvision.transforms as T
from scipy.misc import imread

from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD

assert imread("styles/tubingen.jpg").shape == (40, 60, 3)
cnn = torchvision.models.squeezenet1_1(pretrained=True).features
cnn.type(torch.FloatTensor)
steps = [T.Resize(64), T.ToTensor(), T.Normalize(mean=SQUEEZENET_MEAN.tolist(), std=SQUEEZENET_STD.tolist())]
assert cnn(T.Compose(steps)(PIL.Image.open("styles/tubingen.jpg"))[None]).shape[1] == 512
