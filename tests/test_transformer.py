"""Attention and the captioning Transformer against torch.nn's own, with the same weights; features that keep places."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from cs231n.classifiers.spatial_features import with_spatial_features
from cs231n.classifiers.transformer import CaptioningTransformer, TransformerDecoder, TransformerDecoderLayer
from cs231n.coco_utils import load_coco_data
from cs231n.scores.captions import score_captions
from cs231n.transformer_layers import (
    MultiHeadAttention,
    PositionalEncoding,
    positional_table,
    scaled_dot_product_attention,
)

WORDS = {word: i for i, word in enumerate(["<NULL>", "<START>", "<END>", "<UNK>", *"abcdefg"])}
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def draw(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def causal(T):
    return torch.ones(T, T).tril().bool()


def torch_ahead(T):
    """torch's own causal mask, -inf where a word must not look."""
    return nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)


def torch_attention(ours):
    E, H = ours.embed_dim, ours.num_heads
    theirs = nn.MultiheadAttention(E, H, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        parts = ours.query, ours.key, ours.value
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
    theirs.out_proj.load_state_dict(ours.proj.state_dict())
    return theirs


def torch_layer(ours):
    hidden, E = ours.linear1.weight.shape
    H = ours.self_attn.num_heads
    theirs = nn.TransformerDecoderLayer(E, H, hidden, dropout=0.0, batch_first=True, dtype=torch.float64)
    for name, part in list(theirs.named_children()):
        if name in ("self_attn", "multihead_attn"):
            setattr(theirs, name, torch_attention(getattr(ours, name)))
        elif list(part.parameters()):
            part.load_state_dict(getattr(ours, name).state_dict())
    return theirs


def roughened(module, seed=0):
    """In float64, every parameter at random: norms and biases too, which begin at 1 and 0."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for p in module.double().parameters():
            p.copy_(torch.randn_like(p) / (p.shape[1] ** 0.5 if p.ndim > 1 else 1))
    return module.eval()


def captioner(input_dim=5, W=12, H=3, layers=2, max_length=20, seed=0, **settings):
    model = CaptioningTransformer(WORDS, input_dim, W, H, layers, max_length, dim_feedforward=9, **settings)
    return roughened(model, seed)


def some_captions(N, T, seed=0):
    """(N, T + 1): <START>, words, <END> at different places, <NULL>."""
    rng = np.random.default_rng(seed)
    captions = rng.integers(4, len(WORDS), size=(N, T + 1)).astype(np.int32)
    captions[:, 0] = WORDS["<START>"]
    for row, end in zip(captions, rng.integers(1, T + 1, size=N)):
        row[end], row[end + 1 :] = WORDS["<END>"], WORDS["<NULL>"]
    return captions


# ---- attention ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, "bool", "int"])
def test_attention_equals_torchs(mask):
    query, key, value = draw(2, 3, 4, 6, seed=1), draw(2, 3, 5, 6, seed=2), draw(2, 3, 5, 7, seed=3)
    seen = torch.arange(20).reshape(4, 5) % 3 != 1
    given = {None: None, "bool": seen, "int": seen.long()}[mask]
    output, weights = scaled_dot_product_attention(query, key, value, given)
    expected = nn.functional.scaled_dot_product_attention(query, key, value, None if mask is None else seen)
    torch.testing.assert_close(output, expected, **EXACT)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 4, dtype=torch.float64), **EXACT)
    torch.testing.assert_close(weights @ value, expected, **EXACT)
    assert mask is None or not weights[..., ~seen].any()


def test_attention_to_equal_keys_is_the_plain_mean():
    value = draw(5, 3)
    output, weights = scaled_dot_product_attention(draw(2, 4), torch.ones(5, 4).double(), value)
    torch.testing.assert_close(weights, torch.full((2, 5), 0.2, dtype=torch.float64), **EXACT)
    torch.testing.assert_close(output, value.mean(0).expand(2, 3), **EXACT)


@pytest.mark.parametrize("H", [1, 2, 3, 6])
@pytest.mark.parametrize("masked", [False, True])
def test_heads_equal_torchs(H, masked):
    ours = roughened(MultiHeadAttention(6, H))
    x, memory = draw(2, 4, 6, seed=1), draw(2, 4 if masked else 7, 6, seed=2)
    theirs, their_weights = torch_attention(ours)(
        x, memory, memory + 1, attn_mask=torch_ahead(4) if masked else None, average_attn_weights=False
    )
    torch.testing.assert_close(ours(x, memory, memory + 1, causal(4) if masked else None), theirs, **EXACT)
    torch.testing.assert_close(ours.weights, their_weights, **EXACT)
    assert not ours.weights.requires_grad


def test_heads_gradients_equal_torchs():
    ours, x = roughened(MultiHeadAttention(6, 2)), draw(2, 4, 6).requires_grad_()
    outs = ours(x, x, x, causal(4)), torch_attention(ours)(x, x, x, attn_mask=torch_ahead(4))[0]
    grads = [torch.autograd.grad((out * draw(2, 4, 6, seed=3)).sum(), x)[0] for out in outs]
    torch.testing.assert_close(*grads, **EXACT)


def test_layers_are_made_in_the_order_key_query_value_proj():
    names = [name for name, _ in MultiHeadAttention(4, 2).named_parameters()]
    assert names == [f"{layer}.{p}" for layer in ("key", "query", "value", "proj") for p in ("weight", "bias")]


def test_dropout_falls_on_the_weights_in_training_alone():
    ours, x = roughened(MultiHeadAttention(4, 2, dropout=1.0)), draw(1, 3, 4)
    assert not torch.allclose(ours(x, x, x), ours.proj.bias)
    ours.train()
    torch.testing.assert_close(ours(x, x, x), ours.proj.bias.expand(1, 3, 4), **EXACT)
    torch.testing.assert_close(ours.weights.sum(-1), torch.ones(1, 2, 3).double(), **EXACT)  # kept before dropout


@pytest.mark.parametrize("E, H", [(6, 4), (5, 2), (4, 0), (4, 8)])
def test_heads_must_divide_the_width(E, H):
    with pytest.raises(ValueError, match=f"embed_dim is {E}"):
        MultiHeadAttention(E, H)


@pytest.mark.parametrize(
    "shapes",
    [
        [(2, 3, 4), (2, 5, 4), (2, 6, 4)],
        [(2, 3, 4), (3, 5, 4), (3, 5, 4)],
        [(2, 3, 5), (2, 5, 4), (2, 5, 4)],
        [(2, 3, 4), (2, 5, 8), (2, 5, 8)],
        [(3, 4), (5, 4), (5, 4)],
        [(2, 3, 4), (5,), (5,)],
    ],
)
def test_heads_refuse_what_does_not_fit(shapes):
    with pytest.raises(ValueError, match="query, key and value have shapes"):
        MultiHeadAttention(4, 2)(*(torch.zeros(shape) for shape in shapes))


# ---- positions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_len, E", [(1, 2), (7, 6), (60, 128)])
def test_positional_table_is_the_papers(max_len, E):
    p, j = np.arange(max_len)[:, None], np.arange(E)
    angles = p / 10000 ** (j // 2 * 2 / E)
    table = positional_table(max_len, E)
    assert table.dtype == torch.float32
    np.testing.assert_allclose(table, np.where(j % 2, np.cos(angles), np.sin(angles)), atol=1e-5)


def test_a_step_along_the_sequence_is_a_rotation():
    """What the code is made for: the code of position p + 3 is one linear function of that of p, the same for all p."""
    table = positional_table(40, 8).double()
    matrix = torch.linalg.lstsq(table[:-3], table[3:]).solution
    torch.testing.assert_close(table[:-3] @ matrix, table[3:], rtol=0, atol=1e-4)
    torch.testing.assert_close(matrix @ matrix.T, torch.eye(8).double(), rtol=0, atol=1e-2)


def test_positional_encoding_adds_its_buffer():
    module, x = PositionalEncoding(6, max_len=9).double().eval(), draw(2, 4, 6)
    assert module.pe.shape == (1, 9, 6) and not list(module.parameters())
    torch.testing.assert_close(module(x) - x, positional_table(4, 6).double().expand(2, 4, 6), **EXACT)
    assert not PositionalEncoding(6, dropout=1.0)(x.float()).any()


@pytest.mark.parametrize("E", [0, 1, 7])
def test_odd_widths_have_no_positional_encoding(E):
    with pytest.raises(ValueError, match="must be even"):
        PositionalEncoding(E)


@pytest.mark.parametrize("shape", [(1, 10, 6), (1, 4, 8), (4, 6)])
def test_positional_encoding_refuses_what_does_not_fit(shape):
    with pytest.raises(ValueError, match="T at most 9"):
        PositionalEncoding(6, max_len=9)(torch.zeros(shape))


# ---- the decoder ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("H, S", [(1, 1), (2, 5), (3, 4)])
def test_decoder_layer_equals_torchs(H, S, masked):
    ours = roughened(TransformerDecoderLayer(6, H, 7))
    x, memory = draw(2, 4, 6, seed=1), draw(2, S, 6, seed=2)
    theirs = torch_layer(ours)(x, memory, tgt_mask=torch_ahead(4) if masked else None)
    torch.testing.assert_close(ours(x, memory, causal(4) if masked else None), theirs, **EXACT)


def test_decoder_equals_torchs():
    ours = roughened(TransformerDecoder(TransformerDecoderLayer(6, 2, 7), 3))
    x, memory = draw(2, 4, 6, seed=1), draw(2, 5, 6, seed=2)
    theirs = nn.TransformerDecoder(torch_layer(ours.layers[0]), 3)
    theirs.layers = nn.ModuleList(torch_layer(layer) for layer in ours.layers)
    torch.testing.assert_close(ours(x, memory, causal(4)), theirs(x, memory, tgt_mask=torch_ahead(4)), **EXACT)


def test_decoder_copies_the_layer():
    layer = TransformerDecoderLayer(4, 2, 5)
    decoder = TransformerDecoder(layer, 2)
    pointers = {p.data_ptr() for p in (*layer.parameters(), *decoder.parameters())}
    assert len(pointers) == 3 * len(list(layer.parameters()))
    with pytest.raises(ValueError, match="num_layers is 0"):
        TransformerDecoder(layer, 0)


def test_decoder_layer_drops_in_training_alone():
    layer, x, memory = roughened(TransformerDecoderLayer(6, 2, 7, dropout=1.0)), draw(1, 3, 6), draw(1, 2, 6)
    assert not torch.allclose(layer(x, memory), layer(x + 1, 2 * memory))
    layer.train()
    alone = layer.norm3(layer.norm2(layer.norm1(x)))  # nothing but the residuals is left
    torch.testing.assert_close(layer(x, memory), alone, **EXACT)


# ---- the captioner --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 5), (3, 1, 5), (3, 7, 5)])
def test_scores_equal_a_captioner_of_torchs_parts(shape):
    model, features, captions = captioner(), draw(*shape), some_captions(3, 6)
    scores = model(features, captions)
    assert scores.shape == (3, 7, len(WORDS))
    memory = model.visual_projection(features.reshape(3, -1, 5))
    x = model.embedding(torch.tensor(captions, dtype=torch.long)) + positional_table(7, 12)
    for layer in model.transformer.layers:
        x = torch_layer(layer)(x, memory, tgt_mask=torch_ahead(7))
    torch.testing.assert_close(scores, model.output(x), **EXACT)


def test_no_word_depends_on_a_later_one():
    model, features, captions = captioner(), draw(2, 4, 5), some_captions(2, 6)
    before = model(features, captions)
    for t in range(1, 7):
        changed = captions.copy()
        changed[:, t] = (captions[:, t] + 1) % len(WORDS)
        after = model(features, changed)
        torch.testing.assert_close(after[:, :t], before[:, :t], **EXACT)
        assert not torch.allclose(after[:, t], before[:, t])


def test_the_order_of_places_does_not_matter_and_that_of_words_does():
    model, features, captions = captioner(), draw(2, 6, 5), some_captions(2, 6)
    before = model(features, captions)
    torch.testing.assert_close(model(features.flip(1), captions), before, **EXACT)
    assert not torch.allclose(model(features, captions[:, [0, 2, 1, 3, 4, 5, 6]])[:, -1], before[:, -1])


def test_loss_is_in_the_unit_of_captioning_rnn():
    model, features, captions = captioner(), draw(4, 3, 5), some_captions(4, 6)
    scores, total = model(features, captions[:, :-1]).detach().numpy(), 0.0
    for n, row in enumerate(captions):
        for t, word in enumerate(row[1:]):
            if word != WORDS["<NULL>"]:
                total += np.log(np.exp(scores[n, t]).sum()) - scores[n, t, word]
    loss = model.loss(features.numpy(), captions)
    assert loss.shape == () and loss.dtype == torch.float64
    np.testing.assert_allclose(loss.item(), total / 4, rtol=1e-12)


def test_padding_costs_nothing_and_changes_nothing():
    model, features, captions = captioner(), draw(4, 3, 5), some_captions(4, 6)
    longer = np.pad(captions, ((0, 0), (0, 5)))
    torch.testing.assert_close(model.loss(features, longer), model.loss(features, captions), **EXACT)


def test_an_untrained_model_knows_nothing():
    torch.manual_seed(0)
    model = CaptioningTransformer(WORDS, 5, 64, dropout=0.0, dim_feedforward=32).eval()
    captions = some_captions(200, 8)
    words = (captions[:, 1:] != 0).sum() / 200
    assert model.loss(draw(200, 4, 5), captions).item() / words == pytest.approx(np.log(len(WORDS)), rel=0.25)


def test_gradient_against_differences():
    model, features, captions = captioner(layers=1, dropout=0.0), draw(2, 3, 5), some_captions(2, 4)
    model.loss(features, captions).backward()
    for name, p in model.named_parameters():
        assert p.grad is not None and p.grad.isfinite().all(), name
        step = draw(*p.shape, seed=4)
        if name == "embedding.weight":
            assert not p.grad[WORDS["<NULL>"]].any()  # padding_idx
            step[WORDS["<NULL>"]] = 0
        values = []
        for sign in (1, -2, 1):
            p.data += sign * 1e-5 * step
            values.append(model.loss(features, captions).item())
        slope = (values[0] - values[1]) / 2e-5
        assert slope == pytest.approx((p.grad * step).sum().item(), rel=1e-5, abs=1e-7), name


def test_a_few_captions_are_learnt_by_heart():
    torch.manual_seed(1)
    model = CaptioningTransformer(WORDS, 5, 32, dim_feedforward=32, dropout=0.0)
    features, captions = draw(6, 4, 5).float(), some_captions(6, 6)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        model.loss(features, captions).backward()
        optimizer.step()
    np.testing.assert_array_equal(model.sample(features, max_length=6), captions[:, 1:])


def stepwise(model, features, max_length):
    """Greedy captions, one image and one word at a time."""
    rows = []
    for image in features:
        read = [WORDS["<START>"]]
        while len(read) <= max_length and read[-1] != WORDS["<END>"]:
            read.append(int(model(image[None], np.array([read]))[0, -1].argmax()))
        rows.append(read[1:] + [WORDS["<NULL>"]] * (max_length + 1 - len(read)))
    return np.array(rows)


def sampler():
    """A captioner whose captions vary, and end early, late and never."""
    model = captioner(seed=6)
    for name, p in model.named_parameters():
        if p.ndim == 1:  # biases would say the same of every image
            p.data.fill_(float("norm" in name and name.endswith("weight")))
        elif "multihead_attn" in name:
            p.data *= 2
    return model, draw(40, 4, 5, seed=6) * 3


@pytest.mark.parametrize("max_length", [1, 5, 12])
def test_sample_equals_a_step_by_step_reference(max_length):
    model, features = sampler()
    got = model.sample(features.numpy(), max_length)
    assert got.dtype == np.int32 and got.shape == (40, max_length)
    np.testing.assert_array_equal(got, stepwise(model, features, max_length))
    np.testing.assert_array_equal(model.sample(features[:1], max_length), got[:1])


def test_sampled_captions_vary_and_end_at_different_times():
    model, features = sampler()
    captions = model.sample(features, 12)
    lengths = (captions != 0).sum(axis=1)
    assert len(np.unique(captions, axis=0)) > 10 and len(np.unique(lengths)) > 2


@pytest.mark.parametrize("training", [False, True])
def test_sample_and_attend_use_no_dropout_and_leave_the_mode(training):
    model, features = sampler()
    expected = model.sample(features, 8)
    looks = model.attend(features[0], expected[0])
    model.train(training)
    np.testing.assert_array_equal(model.sample(features, 8), expected)
    np.testing.assert_array_equal(model.attend(features[0], expected[0]), looks)
    assert model.training == training and all(module.training == training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_attend_gives_the_weights_of_the_step_that_says_the_word():
    model, features = sampler()
    ids = model.sample(features[:1], 6)[0]
    looks = model.attend(features[0], ids)
    assert looks.shape == (6, 4)
    np.testing.assert_allclose(looks.sum(axis=1), 1, rtol=1e-12)
    for t in range(6):  # what is said afterwards does not matter
        model(features[:1], np.array([[WORDS["<START>"], *ids[:t]]]))
        weights = model.transformer.layers[-1].multihead_attn.weights[0, :, -1].mean(dim=0)
        np.testing.assert_allclose(looks[t], weights, atol=1e-12)


def test_float32_numpy_and_tensors_give_the_same():
    model, features, captions = captioner().float(), draw(2, 3, 5), some_captions(2, 4)
    expected = model.loss(features, torch.tensor(captions))
    assert expected.dtype == torch.float32
    for f in (features.numpy(), features.float(), features.numpy().astype(np.float32)):
        assert model.loss(f, captions) == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_runs_where_the_parameters_are():
    model, features = sampler()
    expected = model.sample(features, 8)
    np.testing.assert_array_equal(model.cuda().sample(features.numpy(), 8), expected)


@pytest.mark.parametrize("shape", [(3, 6), (3, 2, 4), (5,), (2, 3, 4, 5), (0, 5), (3, 0, 5)])
def test_features_that_do_not_fit_are_refused(shape):
    for use in (lambda m, f: m.sample(f, 5), lambda m, f: m.loss(f, some_captions(3, 4))):
        with pytest.raises(ValueError, match="features"):
            use(captioner(), np.zeros(shape))


@pytest.mark.parametrize(
    "captions, error, message",
    [
        (np.full((2, 5), len(WORDS)), ValueError, f"caption id {len(WORDS)} is not in"),
        (np.full((2, 5), -1), ValueError, "caption id -1"),
        (np.ones((2, 5)), TypeError, "integers"),
        (np.ones((3, 5), dtype=int), ValueError, "captions have shape"),
        (np.ones(5, dtype=int), ValueError, "captions have shape"),
        (np.ones((2, 1), dtype=int), ValueError, "captions have shape"),
        (np.array([[1, 0, 0], [1, 0, 0]]), ValueError, "every caption is empty"),
        (np.ones((2, 22), dtype=int), ValueError, "T at most 20"),
    ],
)
def test_captions_that_do_not_fit_are_refused(captions, error, message):
    with pytest.raises(error, match=message):
        captioner().loss(np.zeros((2, 5)), captions)


def test_models_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="no <NULL>"):
        CaptioningTransformer({"a": 0}, 5, 8)
    with pytest.raises(ValueError, match="embed_dim is 10 and num_heads 4"):
        CaptioningTransformer(WORDS, 5, 10)
    with pytest.raises(ValueError, match="must be even"):
        CaptioningTransformer(WORDS, 5, 9, num_heads=3)
    for length in (0, 21):
        with pytest.raises(ValueError, match=f"max_length is {length}"):
            captioner().sample(np.zeros((2, 5)), length)
    with pytest.raises(ValueError, match="no <START> or no <END>"):
        CaptioningTransformer({"<NULL>": 0, "a": 1}, 5, 8).sample(np.zeros((2, 5)))


# ---- spatial features -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mini():
    data = load_coco_data()
    few = {f"{split}_{name}": data[f"{split}_{name}"][:24] for split in ("train", "val") for name in ("urls", "scenes")}
    return {**data, **few, **{f"{split}_features": data[f"{split}_features"][:24] for split in ("train", "val")}}


def as_url(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("grid, place_code", [(6, True), (3, False), (1, True)])
def test_spatial_features_are_standardised(mini, grid, place_code):
    data = with_spatial_features(mini, grid=grid, place_code=place_code)
    D = 128 + 256 + 12 * place_code
    for split in ("train", "val"):
        assert data[f"{split}_features"].shape == (24, grid * grid, D)
        assert data[f"{split}_features"].dtype == np.float32
    columns = data["train_features"].reshape(-1, D).astype(np.float64)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-5)
    varied = columns.std(axis=0) > 0.5
    np.testing.assert_allclose(columns.std(axis=0)[varied], 1, atol=1e-4)
    assert varied[:384].mean() > 0.9 and (varied[384:].all() or grid == 1)


def test_the_rest_of_the_data_is_left_as_it_was(mini):
    before = mini["train_features"].copy()
    data = with_spatial_features(mini, grid=2)
    assert data is not mini and data.keys() == mini.keys()
    assert all(data[key] is mini[key] for key in data if not key.endswith("_features"))
    np.testing.assert_array_equal(mini["train_features"], before)


def test_spatial_features_are_the_same_each_time(mini):
    first, second = (with_spatial_features(mini, grid=3)["val_features"] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_each_place_sees_its_place():
    """Pictures of noise, in two of which one quarter is painted over; only that quarter's features change much."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, size=(128, 128, 3), dtype=np.uint8) for _ in range(8)]
    corner, painted = pictures[0].copy(), pictures[1].copy()
    corner[:64, 64:] = (255, 0, 0)  # top right
    painted[64:, :64] = (0, 0, 255)  # bottom left
    data = {"train_urls": [as_url(p) for p in pictures], "val_urls": [as_url(corner), as_url(painted)]}
    data |= {f"{split}_features": np.zeros((8, 5)) for split in ("train", "val")}
    data = with_spatial_features(data, grid=4, place_code=False)
    change = np.square(data["val_features"] - data["train_features"][:2]).sum(axis=2).reshape(2, 4, 4)
    share = change / change.sum(axis=(1, 2), keepdims=True)
    assert share[0, :2, 2:].sum() > 0.8 and share[1, 2:, :2].sum() > 0.8


def test_the_place_code_tells_all_places_apart(mini):
    code = with_spatial_features(mini, grid=5)["val_features"][:, :, -12:]
    assert (code == code[0]).all()
    distances = np.abs(code[0][:, None] - code[0][None]).sum(axis=2) + 100 * np.eye(25)
    assert distances.min() > 0.5


def test_max_train_takes_only_the_images_that_are_there():
    np.random.seed(0)
    data = load_coco_data(max_train=10)
    data = {**data, "val_urls": data["val_urls"][:4], "val_features": data["val_features"][:4]}
    data["val_scenes"] = data["val_scenes"][:4]
    data = {**data, "val_captions": data["val_captions"][:20], "val_image_idxs": np.repeat(np.arange(4), 5)}
    spatial = with_spatial_features(data, grid=3)
    assert len(spatial["train_features"]) == len(data["train_features"]) == len(data["train_urls"]) == 10
    model = CaptioningTransformer(data["word_to_idx"], spatial["train_features"].shape[2], 8, dim_feedforward=8)
    scores = score_captions(model, spatial)
    assert len(scores["captions"]) == 4 and 0 <= scores["BLEU-4"] <= 1


def test_pictures_that_are_elsewhere_are_refused(mini):
    with pytest.raises(ValueError, match="1 pictures are not in the data itself.*http://images"):
        with_spatial_features({**mini, "val_urls": ["http://images.cocodataset.org/x.jpg"]})
    with pytest.raises(ValueError, match="grid is 0"):
        with_spatial_features(mini, grid=0)


def test_pictures_of_different_sizes_are_refused(mini):
    odd = as_url(np.zeros((20, 30, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="differ in size"):
        with_spatial_features({**mini, "val_urls": [*mini["val_urls"][:2], odd]}, grid=2)
