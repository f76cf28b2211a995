"""CaptioningTransformer: each word looks at the words before it and at the places of the image, then the next is said.

Source: Vaswani et al. 2017, Attention Is All You Need, https://arxiv.org/abs/1706.03762
"""

import contextlib
import copy
import math  # noqa: F401  see below

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from ..transformer_layers import MultiHeadAttention, PositionalEncoding

# What stood at this module's head in the assignment, for answers that were written there.
F = nn.functional


class TransformerDecoderLayer(nn.Module):
    """One layer of a decoder: attention among the words, attention to the memory, and a small network for each word.

    After each of the three its input is added and the sum normalised (post-norm, as in Vaswani et al. 2017).
    input_dim E: the width of words and memory; num_heads: of both attentions; dim_feedforward: the small network's
    hidden width; dropout: the share dropped inside each part and at its end.
    """

    def __init__(self, input_dim, num_heads, dim_feedforward=2048, dropout=0.1):
        super().__init__()
        self.self_attn = MultiHeadAttention(input_dim, num_heads, dropout)
        self.multihead_attn = MultiHeadAttention(input_dim, num_heads, dropout)
        self.linear1 = nn.Linear(input_dim, dim_feedforward)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = nn.Linear(dim_feedforward, input_dim)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(input_dim) for _ in range(3))
        self.dropout1, self.dropout2, self.dropout3 = (nn.Dropout(dropout) for _ in range(3))

    def forward(self, tgt, memory, tgt_mask=None):
        """tgt (N, T, E), memory (N, S, E) -> (N, T, E); tgt_mask (T, T): where word i may look at word j."""
        # TODO(transformer_decoder_layer): three times x = norm(x + dropout(part(x))): self_attn under tgt_mask,
        # multihead_attn with queries from x, keys and values from memory, and linear2(dropout(relu(linear1(x)))).
        ### BEGIN SOLUTION transformer_decoder_layer
        x = self.norm1(tgt + self.dropout1(self.self_attn(tgt, tgt, tgt, tgt_mask)))
        x = self.norm2(x + self.dropout2(self.multihead_attn(x, memory, memory)))
        hidden = self.dropout(self.linear1(x).relu())  # (N, T, dim_feedforward)
        return self.norm3(x + self.dropout3(self.linear2(hidden)))
        ### END SOLUTION


class TransformerDecoder(nn.Module):
    """num_layers (at least 1, else ValueError) copies of a decoder layer in a row, each with weights of its own."""

    def __init__(self, decoder_layer, num_layers):
        super().__init__()
        if num_layers < 1:
            raise ValueError(f"num_layers is {num_layers}; it must be at least 1")
        self.layers = nn.ModuleList(copy.deepcopy(decoder_layer) for _ in range(num_layers))

    def forward(self, tgt, memory, tgt_mask=None):
        """As one layer's forward; memory may have further axes between N and E, all of them places."""
        memory = memory.flatten(1, -2) if memory.ndim > 3 else memory
        for layer in self.layers:
            tgt = layer(tgt, memory, tgt_mask)
        return tgt


class CaptioningTransformer(nn.Module):
    """A captioner that looks at an image anew for each word: what CaptioningRNN does, by attention.

    word_to_idx: dict word -> id with <NULL> (and <START> and <END>, to sample); input_dim D of the features,
    wordvec_dim W: the width of everything inside, a multiple of num_heads, and even; max_length: of a caption;
    dim_feedforward, dropout: of each layer. The features of places are best when they say where each place is.
    Arrays and tensors may lie anywhere: they go to the device and the dtype of the parameters.
    It raises ValueError or TypeError, which say what fits, for a vocabulary or a batch that does not.
    """

    def __init__(
        self, word_to_idx, input_dim, wordvec_dim, num_heads=4, num_layers=2, max_length=50, *,
        dim_feedforward=256, dropout=0.1,
    ):  # fmt: skip
        super().__init__()
        if "<NULL>" not in word_to_idx:
            raise ValueError("the vocabulary has no <NULL>: captions are padded with it, and it earns no loss")
        self.word_to_idx = word_to_idx
        self.idx_to_word = {i: word for word, i in word_to_idx.items()}
        self.vocab_size = len(word_to_idx)
        self._null = word_to_idx["<NULL>"]
        self._start, self._end = word_to_idx.get("<START>"), word_to_idx.get("<END>")

        self.visual_projection = nn.Linear(input_dim, wordvec_dim)
        self.embedding = nn.Embedding(self.vocab_size, wordvec_dim, padding_idx=self._null)
        self.positional_encoding = PositionalEncoding(wordvec_dim, dropout, max_length)
        layer = TransformerDecoderLayer(wordvec_dim, num_heads, dim_feedforward, dropout)
        self.transformer = TransformerDecoder(layer, num_layers)
        self.output = nn.Linear(wordvec_dim, self.vocab_size)

    def forward(self, features, captions):
        """Scores (N, T, V): what is said after each word, knowing the words up to it and the image.

        features (N, S, D), one vector for each of S places, or (N, D), one for the whole image; captions (N, T) ids.
        """
        features = self._checked_features(features)
        captions = self._checked_captions(captions, len(features), at_least=1)
        # TODO(captioning_transformer): project the features; embed the words and add their positions; run the
        # transformer under a causal mask (T, T), where word i may look at the words 0 to i; score with self.output.
        ### BEGIN SOLUTION captioning_transformer
        memory = self.visual_projection(features)  # (N, S, W)
        words = self.positional_encoding(self.embedding(captions))  # (N, T, W)
        T = captions.shape[1]
        causal = torch.ones(T, T, dtype=torch.bool, device=captions.device).tril()
        return self.output(self.transformer(words, memory, causal))
        ### END SOLUTION

    def loss(self, features, captions):
        """The training loss of a batch, a scalar tensor: backward() gives the gradients.

        features as in forward, captions (N, T + 1) word ids `<START> w .. <END> <NULL> ..`. The cross-entropy of every
        word but <NULL>, summed over time and divided by N, as in CaptioningRNN.loss.
        """
        features = self._checked_features(features)
        captions = self._checked_captions(captions, len(features), at_least=2)
        asked = (captions[:, 1:] != self._null).any(dim=0)  # (T,)
        if not asked.any():
            raise ValueError("every caption is empty: there is no word to learn from")
        captions = captions[:, : int(asked.nonzero().max()) + 2]  # the rest is padding, and would only take time
        scores, said = self(features, captions[:, :-1]), captions[:, 1:]  # (N, T, V), (N, T)
        total = cross_entropy(scores.flatten(0, 1), said.flatten(), ignore_index=self._null, reduction="sum")
        return total / len(captions)

    @torch.no_grad()
    def sample(self, features, max_length=30):
        """Greedy captions: at each step the likeliest word, which the next step reads with all those before it.

        features as in forward -> int32 ids, a numpy array (N, max_length), without <START>; what follows <END> is
        <NULL>. Works in eval mode, and leaves the model in the mode that it was in.
        """
        longest = self.positional_encoding.pe.shape[1]
        if not 1 <= max_length <= longest:
            raise ValueError(f"max_length is {max_length}; this model takes 1 to {longest}")
        if self._start is None or self._end is None:
            raise ValueError("the vocabulary has no <START> or no <END>: without them a caption cannot begin or end")
        features = self._checked_features(features)
        captions = np.full((len(features), max_length), self._null, dtype=np.int32)
        read = torch.full((len(features), 1), self._start, device=features.device)
        going = np.arange(len(features))  # rows still without <END>; the others leave the batch
        with _eval_mode(self):
            for t in range(max_length):
                word = self(features, read)[:, -1].argmax(dim=1)  # (N,)
                captions[going, t] = word.cpu().numpy()
                on = word != self._end
                if not on.any():
                    break
                going, features = going[on.cpu().numpy()], features[on]
                read = torch.cat((read[on], word[on, None]), dim=1)
        return captions

    @torch.no_grad()
    def attend(self, features, ids):
        """Where the model looks as it says each word of a caption: (T, S), numpy; each row sums to 1.

        features (S, D) of one image; ids (T,) as sample gives them, without <START>. The attention to the places in
        the last layer, averaged over the heads.
        """
        read = [self._start, *np.asarray(ids)[:-1]]
        with _eval_mode(self):
            self(features[None], np.array([read]))
        weights = self.transformer.layers[-1].multihead_attn.weights  # (1, H, T, S)
        return weights[0].mean(dim=0).cpu().numpy()

    def _checked_features(self, features):
        features, D = torch.as_tensor(features), self.visual_projection.in_features
        if features.ndim not in (2, 3) or features.shape[-1] != D:
            raise ValueError(f"features have shape {tuple(features.shape)}; this model takes (N, S, {D}) or (N, {D})")
        if not features.numel():
            raise ValueError("the batch is empty: features has no rows, or no places")
        weight = self.visual_projection.weight
        features = features.to(weight.device, weight.dtype)
        return features if features.ndim == 3 else features[:, None]

    def _checked_captions(self, captions, N, at_least):
        captions, V = torch.as_tensor(captions), self.embedding.num_embeddings
        if captions.ndim != 2 or len(captions) != N or captions.shape[1] < at_least:
            shape = f"({N}, T{' + 1' * (at_least > 1)})"
            raise ValueError(f"captions have shape {tuple(captions.shape)}; these features need {shape}")
        if captions.is_floating_point() or captions.is_complex() or captions.dtype == torch.bool:
            raise TypeError(f"captions are {captions.dtype}; word ids are integers")
        captions = captions.to(self.embedding.weight.device, torch.int64)
        if not 0 <= captions.min() <= captions.max() < V:
            wrong = captions.min() if captions.min() < 0 else captions.max()
            raise ValueError(f"caption id {int(wrong)} is not in 0..{V - 1}: captions and vocabulary do not match")
        return captions


@contextlib.contextmanager
def _eval_mode(model):
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)
