"""What Transformer_Captioning.ipynb calls, from 2021 to 2023."""
# ruff: noqa: F403, F405, I001

import matplotlib.pyplot as plt
import numpy as np

from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array  # noqa: F401
from cs231n.transformer_layers import *
from cs231n.captioning_solver_transformer import CaptioningSolverTransformer
from cs231n.classifiers.transformer import CaptioningTransformer
from cs231n.coco_utils import load_coco_data, sample_coco_minibatch, decode_captions
from cs231n.image_utils import image_from_url

# Layers; torch comes with the star
torch.manual_seed(231)
attn = MultiHeadAttention(8, num_heads=2)
data, other_data = torch.randn(1, 3, 8), torch.randn(1, 3, 8)
mask = torch.tensor([[True, False, True], [True, True, False], [True, True, True]])
assert attn(query=data, key=data, value=data).detach().numpy().shape == (1, 3, 8)
assert attn(query=data, key=data, value=data, attn_mask=mask).detach().numpy().shape == (1, 3, 8)
assert attn(query=data, key=other_data, value=other_data).detach().numpy().shape == (1, 3, 8)
assert PositionalEncoding(6)(torch.randn(1, 2, 6)).detach().numpy().shape == (1, 2, 6)

# The captioner on fixed numbers, its parameters float64 and its code of positions float32
N, D, W, T = 4, 20, 30, 3
word_to_idx = {"<NULL>": 0, "cat": 2, "dog": 3}
V = len(word_to_idx)
transformer = CaptioningTransformer(word_to_idx, input_dim=D, wordvec_dim=W, num_heads=2, num_layers=2, max_length=30)
for p in transformer.parameters():
    p.data = torch.tensor(np.linspace(-1.4, 1.3, num=p.numel()).reshape(*p.shape))
features = torch.tensor(np.linspace(-1.5, 0.3, num=(N * D)).reshape(N, D))
captions = torch.tensor((np.arange(N * T) % V).reshape(N, T))
assert transformer(features, captions).detach().numpy().shape == (N, T, V)

# Overfitting, and captions
data = load_coco_data(max_train=50)
transformer = CaptioningTransformer(
    word_to_idx=data["word_to_idx"], input_dim=data["train_features"].shape[1], wordvec_dim=32, num_heads=2,
    num_layers=2, max_length=30,
)  # fmt: skip
transformer_solver = CaptioningSolverTransformer(
    transformer, data, idx_to_word=data["idx_to_word"], num_epochs=5, batch_size=25, learning_rate=0.001,
    verbose=True, print_every=10,
)  # fmt: skip
transformer_solver.train()
plt.plot(transformer_solver.loss_history)
print("Final loss: ", transformer_solver.loss_history[-1])
assert transformer_solver.loss_history[-1] < transformer_solver.loss_history[0]
for split in ["train", "val"]:
    gt_captions, features, urls = sample_coco_minibatch(data, split=split, batch_size=2)
    gt_captions = decode_captions(gt_captions, data["idx_to_word"])
    sample_captions = transformer.sample(features, max_length=30)
    sample_captions = decode_captions(sample_captions, data["idx_to_word"])
    for gt_caption, sample_caption, url in zip(gt_captions, sample_captions, urls):
        img = image_from_url(url)
        if img is None:
            continue
        plt.imshow(img)
        plt.title(f"{split}\n{sample_caption}\nGT:{gt_caption}")
        plt.show()
