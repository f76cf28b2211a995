"""The course's exercises, a module a subject; importing them registers their TODOs, in the order of the course."""

from . import (  # noqa: F401  isort: skip
    # RNN.ipynb
    rnn,
    word_embedding,
    captioning,
    # LSTM.ipynb
    lstm,
    # NetworkVisualization.ipynb
    net_visualization,
    # StyleTransfer.ipynb
    style_transfer,
    # GANs.ipynb
    gan_noise,
    gan_networks,
    gan_losses,
    gan_game,
    gan_least_squares,
    gan_convolutional,
    # extras.ipynb
    indexing,
    transposed_convolution,
    image_bytes,
    beam_search,
    attention,
    transformer,
    wgan,
    diffusion,
    guidance,
    contrastive,
    vision_transformer,
    distributed,
)
