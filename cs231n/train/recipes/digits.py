"""What the recipes that draw digits have in common: the digits, and the judge of those drawn."""

import numpy as np
import torch

from ...datasets.digits import load_digits
from ...figures import tile
from ...gan_pytorch import deprocess_img, preprocess_img
from ...scores.digits import judge, train_classifier
from .recipe import TorchRecipe


class Digits(TorchRecipe):
    """A subclass has draw(num): so many digits (num, 1, 28, 28) in -1..1, the same at every call."""

    shown, columns = 64, None  # digits in the picture of samples, and side by side in it

    def __init__(self, *args, images=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.images = load_digits("train")[0] if images is None else images
        torch.manual_seed(self.seed)

    def real(self, n):
        """Batch number n of all processes: (N, 1, 28, 28) in -1..1."""
        return preprocess_img(self.images[torch.from_numpy(self.rows(n, len(self.images)))])

    def samples(self):
        """Digits as one picture, uint8."""
        return (255 * tile(deprocess_img(self.draw(self.shown)).clamp(0, 1), self.columns)).astype(np.uint8)

    def score(self):
        classifier = train_classifier(*load_digits("train"), epochs=2)
        return self.rated(deprocess_img(self.draw(1000)).float().clamp(0, 1).cpu(), classifier)

    def rated(self, drawn, classifier):
        """What the judge finds in drawn images in 0..1, by names."""
        found = judge(drawn, load_digits("test")[0], classifier)
        found["rarest digit"] = min(found.pop("shares"))
        return found
