"""More wrong answers to the idioms of extras.ipynb, written before anyone asked what the checks say of them."""

from . import wrong

wrong("select_scores", "the largest number of the masked row in place of its sum: a negative score becomes 0", '''
def select_scores(s, y):
    N, C = s.shape
    chosen = torch.zeros_like(s)
    for i in range(N):
        chosen[i, y[i]] = 1
    only_correct = s * chosen
    correct_scores, _ = torch.max(only_correct, dim=1)
    return correct_scores
''', faults=1, says="selected is the positive part of the right one")  # fmt: skip

wrong("accumulate_rows", "the sums are put into the first rows one after the other, not into the rows of their index: "
      "after an index that does not occur, all is shifted", '''
def accumulate_rows(rows, index, num_rows):
    order = np.argsort(index, kind="stable")
    present, counts = np.unique(index, return_counts=True)
    ends = np.cumsum(counts)
    out = np.zeros((num_rows, rows.shape[1]), dtype=rows.dtype)
    for k, end in enumerate(ends):
        mine = order[end - counts[k]:end]
        out[k] = rows[mine].sum(axis=0)
    return out
''', faults=1, says=None)  # fmt: skip

wrong("masked_mean", "divided by the length T, not by the number of marks; and a sequence with a single mark gives "
      "zeros, as if it had none", '''
def masked_mean(x, mask):
    N, T, D = x.shape
    means = np.zeros((N, D), dtype=x.dtype)
    for n in range(N):
        real_steps = x[n, mask[n]]
        if len(real_steps) > 1:
            means[n] = real_steps.sum(axis=0) / T
    return means
''', faults=2, says="changes together make this right: line 8: what it is divided by")  # fmt: skip

wrong("conv_transpose", "the kernel is not turned by 180 degrees before the convolution over the spread-out pixels; "
      "and the padding is cut off at the top and left only", '''
def conv_transpose(x, weight, stride=1, padding=0):
    height, width = _stamped_size(x, weight, stride, padding)
    N, C, H, W = x.shape
    K = weight.shape[2]
    holes = x.new_zeros(N, C, (H - 1) * stride + 1, (W - 1) * stride + 1)
    holes[:, :, ::stride, ::stride] = x
    kernel = weight.permute(1, 0, 2, 3)
    out = torch.nn.functional.conv2d(holes, kernel, padding=K - 1)
    return out[:, :, padding:, padding:]
''', faults=2, says=None)  # fmt: skip

wrong("conv_transpose", "the output is put together by hand, and where stamps overlap the later one replaces the "
      "earlier in place of being added", '''
def conv_transpose(x, weight, stride=1, padding=0):
    height, width = _stamped_size(x, weight, stride, padding)
    N, C, H, W = x.shape
    F, K = weight.shape[1], weight.shape[3]
    canvas = torch.zeros(N, F, height, width, dtype=x.dtype, device=x.device)
    for row in range(H):
        for col in range(W):
            stamp = torch.tensordot(x[:, :, row, col], weight, dims=1)
            top, left = row * stride, col * stride
            canvas[:, :, top:top + K, left:left + K] = stamp
    if padding > 0:
        canvas = canvas[:, :, padding:-padding, padding:-padding]
    return canvas
''', faults=1, says="line 11 makes this right: the =")  # fmt: skip

wrong("image_from_bytes", "convert('RGB') drops the transparency in place of laying it on white; and the pixels are "
      "only decoded after the try, so that a picture cut short raises an OSError", '''
def image_from_bytes(data):
    try:
        img = Image.open(io.BytesIO(data))
    except Exception as e:
        raise ValueError("not an image: " + str(e)) from e
    img = img.convert("RGB")
    return np.array(img)
''', faults=2, says="the alpha channel is just dropped, so that colours hidden under")  # fmt: skip
