"""What NetworkVisualization-PyTorch.ipynb of 2018 and 2019 takes from outside: it holds the functions itself."""

import numpy as np
import torch
import torchvision
import torchvision.transforms as T
from PIL import Image
from scipy.ndimage.filters import gaussian_filter1d

from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD


def preprocess(img, size=224):
    mean, std = SQUEEZENET_MEAN.tolist(), SQUEEZENET_STD.tolist()
    steps = [T.Scale(size), T.ToTensor(), T.Normalize(mean=mean, std=std), T.Lambda(lambda x: x[None])]
    return T.Compose(steps)(img)


def deprocess(img):
    mean, std = (-SQUEEZENET_MEAN).tolist(), (1.0 / SQUEEZENET_STD).tolist()
    steps = [T.Normalize(mean=[0, 0, 0], std=std), T.Normalize(mean=mean, std=[1, 1, 1]), T.ToPILImage()]
    return T.Compose([T.Lambda(lambda x: x[0]), *steps])(img)


def blur_image(X, sigma=1):
    X_np = X.cpu().clone().numpy()
    X_np = gaussian_filter1d(gaussian_filter1d(X_np, sigma, axis=2), sigma, axis=3)
    X.copy_(torch.Tensor(X_np).type_as(X))
    return X


model = torchvision.models.squeezenet1_1(pretrained=True)
for param in model.parameters():
    param.requires_grad = False
X, y, class_names = load_imagenet_val(num=5)
print([class_names[label] for label in y])
X_tensor = torch.cat([preprocess(Image.fromarray(x)) for x in X], dim=0)
y_tensor = torch.LongTensor(y)
X_tensor.requires_grad_()
model(X_tensor).gather(1, y_tensor.view(-1, 1)).squeeze().sum().backward()
assert X_tensor.grad.shape == (5, 3, 224, 224)
for c in range(3):
    low, high = float(-SQUEEZENET_MEAN[c] / SQUEEZENET_STD[c]), float((1.0 - SQUEEZENET_MEAN[c]) / SQUEEZENET_STD[c])
    X_tensor.data[:, c].clamp_(min=low, max=high)
blur_image(X_tensor.data, sigma=0.5)
assert np.asarray(deprocess(X_tensor.data[:1])).shape == (224, 224, 3)
