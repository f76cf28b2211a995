"""What StyleTransfer.ipynb calls, in 2020 and 2021."""

import inspect
import re

import matplotlib.pyplot as plt
import PIL
import torch
import torchvision

from cs231n.image_utils import SQUEEZENET_MEAN, SQUEEZENET_STD  # noqa: F401
from cs231n.style_transfer_pytorch import (
    content_loss,
    deprocess,
    extract_features,
    features_from_img,
    gram_matrix,
    preprocess,
    rel_error,
    rescale,
    style_loss,
    tv_loss,
)

dtype = torch.FloatTensor
cnn = torchvision.models.squeezenet1_1(pretrained=True).features
cnn.type(dtype)
for param in cnn.parameters():
    param.requires_grad = False

# The losses
content_image, style_image, image_size = "styles/tubingen.jpg", "styles/starry_night.jpg", 64
c_feats, content_img_var = features_from_img(content_image, image_size, cnn)
bad_img = torch.zeros(*content_img_var.data.size()).type(dtype)
feats = extract_features(bad_img, cnn)
loss = content_loss(6e-2, c_feats[3], feats[3]).cpu().data.numpy()
assert rel_error(loss, 6e-2 * (c_feats[3] - feats[3]).square().sum().numpy()) < 1e-5
feats, _ = features_from_img(style_image, image_size, cnn)
style_layers, style_weights = [1, 4, 6, 7], [300000, 1000, 15, 3]
style_targets = [gram_matrix(feats[idx].clone()) for idx in style_layers]
assert style_loss(c_feats, style_layers, style_targets, style_weights).cpu().data.numpy() > 0
content_img = preprocess(PIL.Image.open(content_image), size=image_size).type(dtype)
assert tv_loss(content_img, 2e-2).cpu().data.numpy() > 0
assert not any(re.search(r"for \S* in", line) for line in inspect.getsourcelines(tv_loss)[0])
assert rescale(content_img).min() == 0 and rescale(content_img).max() == 1


# The descent, which stands in the notebook
def style_transfer(
    content_image, style_image, image_size, style_size, content_layer, content_weight, style_layers, style_weights,
    tv_weight, init_random=False,
):  # fmt: skip
    content_img = preprocess(PIL.Image.open(content_image), size=image_size).type(dtype)
    content_target = extract_features(content_img, cnn)[content_layer].clone()
    style_img = preprocess(PIL.Image.open(style_image), size=style_size).type(dtype)
    feats = extract_features(style_img, cnn)
    style_targets = [gram_matrix(feats[idx].clone()) for idx in style_layers]
    img = torch.Tensor(content_img.size()).uniform_(0, 1) if init_random else content_img.clone()
    img = img.type(dtype).requires_grad_()
    optimizer = torch.optim.Adam([img], lr=3.0)
    plt.imshow(deprocess(style_img.cpu()))
    for _ in range(3):
        img.data.clamp_(-1.5, 1.5)
        optimizer.zero_grad()
        feats = extract_features(img, cnn)
        loss = content_loss(content_weight, feats[content_layer], content_target)
        loss = loss + style_loss(feats, style_layers, style_targets, style_weights) + tv_loss(img, tv_weight)
        loss.backward()
        optimizer.step()
    plt.imshow(deprocess(img.data.cpu()))
    plt.show()


params = {
    "content_image": content_image, "style_image": style_image, "image_size": 64, "style_size": 96,
    "content_layer": 3, "content_weight": 5e-2, "style_layers": (1, 4, 6, 7), "style_weights": (20000, 500, 12, 1),
    "tv_weight": 5e-2,
}  # fmt: skip
style_transfer(**params)
style_transfer(**params, init_random=True)
