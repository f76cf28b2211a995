"""CaptioningSolver: trains a captioning model with any update rule of cs231n.optim."""

import inspect

import numpy as np

from . import optim
from .coco_utils import sample_coco_minibatch
from .train import Run, train

RULES = {name: rule for name, rule in inspect.getmembers(optim, inspect.isfunction) if not name.startswith("_")}


class CaptionEpochs(Run):
    """What the assignment's solvers of captioners have in common: epochs of minibatches, and the losses printed."""

    def __init__(self, model, data, num_epochs, batch_size, print_every, verbose):
        for name, value in {"num_epochs": num_epochs, "batch_size": batch_size, "print_every": print_every}.items():
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if not len(data["train_captions"]):
            raise ValueError("data holds no training captions; load_coco_data gives some")
        super().__init__()
        self.model, self.data = model, data
        self.num_epochs, self.batch_size = num_epochs, batch_size
        self.print_every, self.verbose = print_every, verbose
        self.per_epoch = max(len(data["train_captions"]) // batch_size, 1)
        self.loss_history = self.losses.setdefault("loss", [])

    def train(self):
        """Run num_epochs over the training captions. A loss that is not finite stops with FloatingPointError."""
        self._before = self.done  # iterations of earlier calls
        self.steps = self.done + self.num_epochs * self.per_epoch
        train(self, quiet=not self.verbose, unit="iteration")

    def after_step(self, bar):
        step, total = self.done - self._before, self.steps - self._before
        if self.verbose and (step % self.print_every == 0 or step in (1, total)):
            bar.write(f"(Iteration {step} / {total}) loss: {self.loss_history[-1]:f}")
        if step % self.per_epoch == 0:
            self.after_epoch()

    def after_epoch(self):
        """What there is to do after each epoch."""


class CaptioningSolver(CaptionEpochs):
    """Trains `model` (anything with params and loss(features, captions)) on `data` of load_coco_data.

    Keywords: update_rule (a name in cs231n.optim, or a function of the same form), optim_config (its settings,
    such as {"learning_rate": 5e-3}), lr_decay (factor on the learning rate after each epoch), batch_size,
    num_epochs, print_every (iterations between printed losses), verbose (print and show a progress bar),
    num_val (validation captions to measure after each epoch; 0: none).

    After train(): loss_history (a loss an iteration), val_loss_history (a loss an epoch, if num_val),
    best_loss and best_params (a copy from the epoch with the lowest validation loss, or mean training loss
    if num_val is 0). The model itself keeps its last parameters.
    """

    advice = "try a smaller learning_rate, and check that the features are standardised"

    def __init__(
        self, model, data, *, update_rule="sgd", optim_config=None, lr_decay=1.0, batch_size=100, num_epochs=10,
        print_every=10, verbose=True, num_val=0, **unknown,
    ):  # fmt: skip
        if unknown:
            raise ValueError(f"unknown keyword {', '.join(sorted(unknown))}; help(CaptioningSolver) lists all")
        if num_val < 0:
            raise ValueError(f"num_val is {num_val}; it must be at least 0")
        super().__init__(model, data, num_epochs, batch_size, print_every, verbose)
        self.update_rule, self.lr_decay, self.num_val = _rule(update_rule), lr_decay, num_val
        self.optim_config = dict(optim_config or {})
        self.optim_configs = {name: dict(self.optim_config) for name in model.params}
        self.epoch, self.best_loss = 0, np.inf
        self.val_loss_history = []
        self._keep_params()

    def learn(self, n):
        captions, features, _ = sample_coco_minibatch(self.data, batch_size=self.batch_size)
        loss, grads = self.model.loss(features, captions)
        if np.isfinite(loss):  # otherwise the loop ends here, with the parameters as they were
            for name, w in self.model.params.items():  # grads may hold more, such as those of features
                w, config = self.update_rule(w, grads[name], self.optim_configs[name])
                self.model.params[name], self.optim_configs[name] = w, config
        return {"loss": float(loss)}

    def after_epoch(self):
        self.epoch += 1
        for config in self.optim_configs.values():
            if "learning_rate" in config:
                config["learning_rate"] *= self.lr_decay
        loss = self._validate() if self.num_val else float(np.mean(self.loss_history[-self.per_epoch:]))
        if loss < self.best_loss:
            self.best_loss = loss
            self._keep_params()

    def _keep_params(self):
        self.best_params = {name: array.copy() for name, array in self.model.params.items()}

    def _validate(self):
        """Mean loss of num_val validation captions, spread evenly over the split."""
        captions, idxs = self.data["val_captions"], self.data["val_image_idxs"]
        rows = np.linspace(0, len(captions) - 1, min(self.num_val, len(captions))).astype(int)
        losses = []
        for part in np.array_split(rows, max(len(rows) // self.batch_size, 1)):
            loss, _ = self.model.loss(self.data["val_features"][idxs[part]], captions[part])
            losses.append(float(loss) * len(part))
        self.val_loss_history.append(sum(losses) / len(rows))
        return self.val_loss_history[-1]


def _rule(update_rule):
    if callable(update_rule):
        return update_rule
    if update_rule not in RULES:
        raise ValueError(f"unknown update_rule {update_rule!r}; cs231n.optim has {', '.join(sorted(RULES))}")
    return RULES[update_rule]
