"""What is learned by comparing: two views of a scene (SimCLR), and scenes with their captions (CLIP).

Of several processes each embeds its share of the batch, and then all see the embeddings of all, so that a picture is
told from as many others as in one process.
"""

import numpy as np
import torch
from torch import nn

from ... import contrastive
from ...coco_utils import decode_captions, load_coco_data
from ...scores.captions import COLOURS, KINDS, PLACES, plain, truth_table
from ...scores.probes import linear_probe, single_things
from .recipe import TorchRecipe

TOGETHER = 200  # pictures looked at at once, where nothing is learned
PROMPTS = [f"there is a {colour} {{}} {place}" for colour in COLOURS for place in PLACES]


class Contrastive(TorchRecipe):
    """A subclass adds the network "model", which gives two embeddings for a batch, and has batch(n) and temperature."""

    uses = ("contrastive_loss",)

    def learn(self, n):
        loss = self.players["model"](*map(self.mine, self.batch(n)))
        return {"loss": self.descend("model", loss, self.rate_at(n)) / self.ranks.size}


class Pairs(nn.Module):
    """The loss of the whole batch, of which this process embeds its share, times the number of processes.

    Through each process the gradient flows to its own share alone. DistributedDataParallel averages what should be
    summed, hence the factor.
    """

    def __init__(self, embed, temperature, ranks):
        super().__init__()
        self.embed, self.temperature, self.ranks = embed, temperature, ranks

    def forward(self, *batch):
        a, b = map(self.ranks.gathered, self.embed(*batch))
        return self.ranks.size * contrastive.contrastive_loss(a, b, self.temperature)


class Simclr(Contrastive):
    """An encoder that tells two views of one scene from views of others. recolour: as for two_views."""

    steps, batch_size, rate, warm_up = 1500, 128, 3e-3, 0.1
    temperature = 0.2

    def __init__(self, *args, data=None, pictures=None, recolour=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.data, self.recolour = data or load_coco_data(), recolour
        self.pictures = contrastive.small_pictures(self.data["train_urls"]) if pictures is None else pictures
        torch.manual_seed(self.seed)
        self.model = contrastive.SceneEncoder()
        objective = Pairs(_Twice(self.model), self.temperature, self.ranks)
        self.add("model", self.model, lambda model: torch.optim.Adam(model.parameters(), fused=True), objective)

    @property
    def settings(self):
        return {**super().settings, "recolour": self.recolour}

    def batch(self, n):
        """Two views (N, 3, 32, 32) of each picture of batch number n."""
        rows = torch.from_numpy(self.rows(n, len(self.pictures)))
        generator = torch.Generator().manual_seed(self.seed_of(n, 2))
        return contrastive.two_views(self.pictures[rows], generator, self.recolour)

    @torch.no_grad()
    def features(self, pictures):
        """What the encoder sees in pictures (N, 3, 32, 32): an array (N, 128)."""
        parts = [self.model.features(some.to(self.ranks.device, self.torch_dtype)) for some in pictures.split(TOGETHER)]
        return torch.cat(parts).float().cpu().numpy()

    def samples(self):
        """Ten new scenes, one a row, each with the seven that the encoder finds most like it: one picture, uint8."""
        pictures = contrastive.small_pictures(self.data["val_urls"])
        seen = nn.functional.normalize(torch.from_numpy(self.features(pictures)), dim=1)
        nearest = (seen[:10] @ seen.T).topk(8, dim=1).indices  # the first is the scene itself
        rows = pictures[nearest].permute(0, 3, 1, 4, 2)  # (10, height, 8, width, 3)
        return (255 * rows.flatten(0, 1).flatten(1, 2)).round().byte().numpy()

    def score(self):
        """What a linear classifier reads off the features of new scenes with a single thing: its colour, its kind."""
        new = self.features(contrastive.small_pictures(self.data["val_urls"]))
        (rows, known), (new_rows, wanted) = (single_things(self.data[f"{split}_scenes"]) for split in ("train", "val"))
        old = self.features(self.pictures)[rows]
        return {what: linear_probe(old, known[what], new[new_rows], wanted[what]) for what in known}


class _Twice(nn.Module):
    """One network for both of a pair, which it sees as one batch."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, a, b):
        return self.network(torch.cat((a, b))).chunk(2)


class Clip(Contrastive):
    """Two towers that learn which caption belongs to which picture, of whose features one of them begins."""

    steps, batch_size, rate, warm_up = 400, 128, 2e-3, 0.1
    uses = ("contrastive_loss", "zero_shot")
    temperature = 0.07

    def __init__(self, *args, data=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.data = data or load_coco_data()
        mean, scale = self.data["train_features"].mean(axis=0), self.data["train_features"].std()
        self.features = {
            split: torch.from_numpy((self.data[f"{split}_features"] - mean) / scale) for split in ("train", "val")
        }
        self.captions = {split: _by_image(self.data, split) for split in ("train", "val")}
        torch.manual_seed(self.seed)
        words = self.data["word_to_idx"]
        self.model = contrastive.TwoTowers(mean.size, len(words), words["<NULL>"])
        objective = Pairs(self.model, self.temperature, self.ranks)
        self.add("model", self.model, lambda model: torch.optim.AdamW(model.parameters(), weight_decay=0.05), objective)

    def batch(self, n):
        """Features (N, D) of the pictures of batch number n, and a caption (N, 17) of each."""
        rows = self.rows(n, len(self.captions["train"]))
        chance = np.random.RandomState(self.seed_of(n, 2)).random_sample(len(rows))
        own = [self.captions["train"][row] for row in rows]
        chosen = [ids[int(x * len(ids))] for ids, x in zip(own, chance)]
        return self.features["train"][torch.from_numpy(rows)], torch.from_numpy(np.stack(chosen)).long()

    @torch.no_grad()
    def embed_images(self, split="val"):
        """The embeddings (N, 64) of all pictures of a split."""
        return self.model.embed_images(self.features[split].to(self.ranks.device, self.torch_dtype)).cpu()

    @torch.no_grad()
    def embed_captions(self, sentences):
        """The embeddings (N, 64) of sentences, or of word ids (N, T)."""
        if not isinstance(sentences, torch.Tensor):
            sentences = contrastive.caption_ids(sentences, self.data["word_to_idx"])
        return self.model.embed_captions(sentences.to(self.ranks.device)).cpu()

    def retrieval(self):
        """Every new picture against a caption of each, the first: cosines (N, N), which are right (N, N), the captions.

        Row i is picture i, column j caption j. A caption is right for every picture that it is true of; where no scenes
        are known, for its own alone.
        """
        ids = torch.from_numpy(np.stack([own[0] for own in self.captions["val"]])).long()
        sentences = [plain(text) for text in decode_captions(ids.numpy(), self.data["idx_to_word"])]
        pair = (nn.functional.normalize(x, dim=1) for x in (self.embed_images(), self.embed_captions(ids)))
        images, captions = pair
        scenes = self.data.get("val_scenes")
        right = truth_table(sentences, scenes).T if scenes else np.eye(len(sentences), dtype=bool)
        return images @ captions.T, torch.from_numpy(np.ascontiguousarray(right)), sentences

    def things(self, prompts=PROMPTS):
        """How likely the model finds each kind of thing in each new picture, (N, C), and the C kinds by name.

        prompts: sentences with a hole for the kind; those with a word that the vocabulary lacks are left out.
        """
        known = self.data["word_to_idx"]
        told = {kind: [told_of(kind, prompt) for prompt in prompts] for kind in KINDS}
        told = {kind: [s for s in some if all(word in known for word in s.split())] for kind, some in told.items()}
        told = {kind: some for kind, some in told.items() if len(some) == max(map(len, told.values()))}
        embedded = torch.stack([self.embed_captions(some) for some in told.values()])  # (C, P, 64)
        return contrastive.zero_shot(self.embed_images(), embedded, self.temperature), list(told)

    def samples(self):
        """Of 40 new pictures the caption that fits best, of all captions of new pictures, and the likeliest thing."""
        cosines, _, sentences = self.retrieval()
        likely, kinds = self.things()
        pairs = zip(cosines.argmax(dim=1)[:40], likely.max(dim=1).values, likely.argmax(dim=1))
        return [f"{sentences[best]} ({kinds[kind]}: {sure:.0%})" for best, sure, kind in pairs]

    def score(self):
        """How often what is right is among the best five, both ways; and how often the likeliest thing is there."""
        cosines, right, _ = self.retrieval()
        ways = {"caption found": (cosines, right), "picture found": (cosines.T, right.T)}
        found = {f"{way}@{k}": contrastive.recall_at_k(*pair, k) for way, pair in ways.items() for k in (1, 5)}
        if "val_scenes" in self.data:
            found["thing is there"] = contrastive.recall_at_k(*self.there(), 1)
        return found

    def there(self, prompts=PROMPTS):
        """As `things`, with the truth in place of the names: which kinds are there (N, C)."""
        likely, kinds = self.things(prompts)
        held = [{thing["kind"] for thing in scene["things"]} for scene in self.data["val_scenes"]]
        return likely, torch.tensor([[kind in kinds_held for kind in kinds] for kinds_held in held])


def told_of(kind, prompt):
    """A prompt with the kind of thing in its hole, and "an" where it must be."""
    return prompt.format(kind).replace("a umbrella", "an umbrella")


def _by_image(data, split):
    """The captions of each image that has any: a list of arrays (count, T)."""
    idxs = data[f"{split}_image_idxs"]
    order = np.argsort(idxs, kind="stable")
    starts = np.flatnonzero(np.diff(idxs[order], prepend=-1))
    return np.split(data[f"{split}_captions"][order], starts[1:])
