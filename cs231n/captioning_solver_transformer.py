"""CaptioningSolverTransformer: trains a captioning Transformer as the assignment's notebooks of 2021 to 2023 do."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from .captioning_solver import CaptionEpochs
from .coco_utils import sample_coco_minibatch


class CaptioningSolverTransformer(CaptionEpochs):
    """Trains `model`, called as model(features, captions) and with its `_null`, on `data` of load_coco_data, by Adam.

    idx_to_word: the vocabulary, as the assignment hands it over; not needed here. Keywords: num_epochs, batch_size,
    learning_rate, print_every (iterations between printed losses), verbose (print and show a progress bar).
    After train(): loss_history, a loss an iteration, each a mean over all places of the batch, empty ones included.
    """

    def __init__(
        self, model, data, idx_to_word, *, num_epochs=10, batch_size=100, learning_rate=0.001, print_every=10,
        verbose=True,
    ):  # fmt: skip
        super().__init__(model, data, num_epochs, batch_size, print_every, verbose)
        self.optim = torch.optim.Adam(model.parameters(), learning_rate)

    def learn(self, n):
        captions, features, _ = sample_coco_minibatch(self.data, batch_size=self.batch_size)
        like = next(self.model.parameters())
        features = torch.as_tensor(np.asarray(features)).to(like)
        captions = torch.as_tensor(captions, dtype=torch.long, device=like.device)
        scores, said = self.model(features, captions[:, :-1]), captions[:, 1:]  # (N, T, V), (N, T)
        total = cross_entropy(scores.flatten(0, 1), said.flatten(), ignore_index=self.model._null, reduction="sum")
        loss = total / said.numel()
        if loss.isfinite():  # otherwise the loop ends here, with the parameters as they were
            self.optim.zero_grad()
            loss.backward()
            self.optim.step()
        return {"loss": loss.item()}
