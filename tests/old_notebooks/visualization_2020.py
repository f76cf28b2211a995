"""What NetworkVisualization.ipynb calls, from 2020 to 2023; its network is left in training mode."""

import random

import matplotlib.pyplot as plt
import numpy as np
import torch
import torchvision
from PIL import Image

from cs231n.data_utils import load_imagenet_val
from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD
from cs231n.net_visualization_pytorch import (
    blur_image,
    class_visualization_update_step,
    compute_saliency_maps,
    deprocess,
    jitter,
    make_fooling_image,
    preprocess,
    rescale,
)

model = torchvision.models.squeezenet1_1(pretrained=True)
for param in model.parameters():
    param.requires_grad = False
X, y, class_names = load_imagenet_val(num=5)

# Saliency
X_tensor = torch.cat([preprocess(Image.fromarray(x)) for x in X], dim=0)
y_tensor = torch.LongTensor(y)
saliency = compute_saliency_maps(X_tensor, y_tensor, model).numpy()
assert saliency.shape == (5, 224, 224)
plt.imshow(saliency[0], cmap=plt.cm.hot)
assert rescale(X_tensor).min() == 0 and rescale(X_tensor).max() == 1

# A fooling image; the notebook asks the network once, while dropout falls
idx, target_y = 0, 6
X_fooling = make_fooling_image(X_tensor[idx : idx + 1], target_y, model)
scores = model(X_fooling)
assert target_y == scores.data.max(1)[1][0].item(), "The model is not fooled!"
X_fooling_np = np.asarray(deprocess(X_fooling.clone())).astype(np.uint8)
X_pre = preprocess(Image.fromarray(X[idx]))
diff = np.asarray(deprocess(10 * (X_fooling - X_pre), should_rescale=False))
assert X_fooling_np.shape == diff.shape == (224, 224, 3)


# Class visualisation
def create_class_visualization(target_y, model, dtype, **kwargs):
    model.type(dtype)
    img = torch.randn(1, 3, 224, 224).mul_(1.0).type(dtype).requires_grad_()
    for _ in range(kwargs.pop("num_iterations", 100)):
        ox, oy = random.randint(0, 16), random.randint(0, 16)
        img.data.copy_(jitter(img.data, ox, oy))
        class_visualization_update_step(img, model, target_y, 1e-3, 25)
        img.data.copy_(jitter(img.data, -ox, -oy))
        for c in range(3):
            low, high = (float((end - SQUEEZENET_MEAN[c]) / SQUEEZENET_STD[c]) for end in (0.0, 1.0))
            img.data[:, c].clamp_(min=low, max=high)
        blur_image(img.data, sigma=0.5)
        plt.imshow(deprocess(img.data.clone().cpu()))
        plt.title(class_names[target_y])
        plt.show()
    return deprocess(img.data.cpu())


dtype = torch.FloatTensor
out = create_class_visualization(np.random.randint(len(class_names)), model, dtype, num_iterations=2)
assert np.asarray(out).shape == (224, 224, 3)
