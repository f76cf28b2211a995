"""Wrong answers to the exercises on contrastive learning and the Vision Transformer."""

from . import wrong

wrong("contrastive_loss", "not normalised, and only one direction", '''
def contrastive_loss(a, b, temperature):
    logits = a @ b.t() / temperature
    targets = torch.arange(a.shape[0])
    return F.cross_entropy(logits, targets)
''', faults=2,
    says="the rows keep their lengths: long ones score high whatever their direction; and besides, only a")  # fmt: skip

wrong("contrastive_loss", "times the temperature", '''
def contrastive_loss(a, b, temperature):
    a = a / a.norm(dim=1, keepdim=True)
    b = b / b.norm(dim=1, keepdim=True)
    sim = torch.mm(a, b.T) * temperature
    labels = torch.arange(len(sim)).to(sim.device)
    loss_a = F.cross_entropy(sim, labels)
    loss_b = F.cross_entropy(sim.T, labels)
    return (loss_a + loss_b) / 2
''', says="the scores are multiplied by the temperature instead of divided")  # fmt: skip

wrong("contrastive_loss", "the norm runs along the wrong axis, and the sum is not halved", '''
def contrastive_loss(a, b, temperature):
    za = F.normalize(a, dim=0)
    zb = F.normalize(b, dim=0)
    s = za.matmul(zb.transpose(0, 1)) / temperature
    t = torch.arange(s.shape[0])
    return F.cross_entropy(s, t) + F.cross_entropy(s.transpose(0, 1), t)
''', faults=2, says="the columns are made 1 long")  # fmt: skip

wrong("contrastive_loss", "exponentials without the positive below the line", '''
def contrastive_loss(a, b, temperature):
    sim = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    e = sim.exp()
    pos = e.diag()
    row = -(pos / (e.sum(dim=1) - pos)).log()
    col = -(pos / (e.sum(dim=0) - pos)).log()
    return (row + col).mean() / 2
''', says="make this right: line 6")  # fmt: skip

wrong("contrastive_loss", "both cross-entropies over the rows", '''
def contrastive_loss(a, b, temperature):
    a, b = F.normalize(a, dim=-1), F.normalize(b, dim=-1)
    y = torch.arange(a.size(0))
    return 0.5 * (F.cross_entropy(a @ b.T / temperature, y) + F.cross_entropy((b @ a.T / temperature).T, y))
''', says="runs over rows again")  # fmt: skip

wrong("recall_at_k", "counts every right one", '''
def recall_at_k(scores, right, k):
    idx = torch.topk(scores, k, dim=1).indices
    hits = torch.gather(right, 1, idx)
    return hits.sum().item() / len(scores)
''', says="a query counts for every right one")  # fmt: skip

wrong("recall_at_k", "sorts upwards, and takes the mean over all k", '''
def recall_at_k(scores, right, k):
    order = scores.argsort(dim=1)
    top = order[:, :k]
    hit = right.gather(1, top).float()
    return hit.mean().item()
''', faults=2, says="the k worst are taken")  # fmt: skip

wrong("recall_at_k", "only the diagonal counts", '''
def recall_at_k(scores, right, k):
    top = scores.topk(k, dim=1).indices
    target = torch.arange(len(scores)).unsqueeze(1)
    return (top == target).any(dim=1).double().mean().item()
''', says="on the diagonal")  # fmt: skip

wrong("recall_at_k", "all instead of any", '''
def recall_at_k(scores, right, k):
    found = 0
    for i in range(scores.shape[0]):
        best = scores[i].topk(k).indices
        if right[i][best].all():
            found += 1
    return found / scores.shape[0]
''', says="all")  # fmt: skip

wrong("zero_shot", "prompts averaged as they are, and a softmax over the images", '''
def zero_shot(images, prompts, temperature):
    text = prompts.mean(dim=1)
    text = text / text.norm(dim=1, keepdim=True)
    img = images / images.norm(dim=1, keepdim=True)
    return torch.softmax(img @ text.t() / temperature, dim=0)
''', faults=2, says="long ones outvote short ones; and besides, the softmax runs over the images")  # fmt: skip

wrong("zero_shot", "the mean is not normalised again", '''
def zero_shot(images, prompts, temperature):
    images = F.normalize(images, dim=1)
    prompts = F.normalize(prompts, dim=-1)
    classes = prompts.mean(dim=1)
    logits = images @ classes.T / temperature
    return logits.softmax(dim=-1)
''', says="the mean of the prompts is not made 1 long again")  # fmt: skip

wrong("zero_shot", "normalised along dim=1, which counts the prompts, and scores returned", '''
def zero_shot(images, prompts, temperature):
    t = F.normalize(prompts, dim=1).mean(1)
    t = F.normalize(t, dim=1)
    i = F.normalize(images, dim=1)
    return i @ t.T / temperature
''', faults=2, says="wrong axis, over the prompts of a class; and besides, there is no softmax")  # fmt: skip

wrong("zero_shot", "the temperature is forgotten", '''
def zero_shot(images, prompts, temperature):
    p = F.normalize(prompts, dim=2).mean(dim=1)
    p = F.normalize(p, dim=1)
    cos = F.normalize(images, dim=1) @ p.T
    return F.softmax(cos, dim=1)
''', says="the temperature is left out")  # fmt: skip

wrong("patchify", "reshaped without a permute", '''
def patchify(images, size):
    N, C, H, W = images.shape
    num = (H // size) * (W // size)
    return images.reshape(N, num, C * size * size)
''', says="without a permute")  # fmt: skip

wrong("patchify", "channels last and columns first", '''
def patchify(images, size):
    N, C, H, W = images.shape
    h, w = H // size, W // size
    x = images.view(N, C, h, size, w, size)
    x = x.permute(0, 4, 2, 3, 5, 1)
    return x.reshape(N, h * w, size * size * C)
''', faults=2, says=None)  # fmt: skip

wrong("patchify", "unfold's own layout", '''
def patchify(images, size):
    return F.unfold(images, kernel_size=size, stride=size)
''', says="as unfold gives it; the patches belong in front")  # fmt: skip

wrong("patchify", "patch and pixel exchanged", '''
def patchify(images, size):
    N, C, H, W = images.shape
    x = images.reshape(N, C, H // size, size, W // size, size)
    x = x.permute(0, 3, 5, 1, 2, 4)
    return x.reshape(N, (H // size) * (W // size), -1)
''', says="patch and pixel are exchanged")  # fmt: skip

wrong("vision_transformer", "no positions, and the mean of the words", '''
def forward(self, images):
    x = self.project(patchify(images, self.patch_size))
    cls = self.class_token.expand(x.shape[0], -1, -1)
    x = torch.cat([cls, x], dim=1)
    for block in self.blocks:
        x = block(x)
    x = self.norm(x)
    return self.head(x.mean(dim=1))
''', faults=2, says="positions is left out")  # fmt: skip

wrong("vision_transformer", "the class token comes last", '''
def forward(self, images):
    tokens = self.project(patchify(images, self.patch_size))
    token = self.class_token.expand(images.size(0), 1, -1)
    tokens = torch.cat((tokens, token), dim=1) + self.positions
    for layer in self.blocks:
        tokens = layer(tokens)
    return self.head(self.norm(tokens)[:, -1])
''', says="class_token stands behind the patches, where its position")  # fmt: skip

wrong("vision_transformer", "the norm is forgotten, and a softmax added", '''
def forward(self, images):
    words = self.project(patchify(images, self.patch_size))
    words = torch.cat((self.class_token.repeat(len(words), 1, 1), words), 1)
    words = words + self.positions
    for block in self.blocks:
        words = block(words)
    out = self.head(words[:, 0])
    return out.softmax(dim=-1)
''', faults=2, says="self.norm is left out; and besides, these are probabilities")  # fmt: skip

wrong("vision_transformer", "positions before the class token, which then has none", '''
def forward(self, images):
    x = self.project(patchify(images, self.patch_size)) + self.positions[:, 1:]
    x = torch.cat([self.class_token.expand(len(x), -1, -1), x], dim=1)
    for b in self.blocks:
        x = b(x)
    return self.head(self.norm(x[:, 0]))
''', says="added to the patches only")  # fmt: skip

wrong("contrastive_loss", "the rows of b keep their lengths", '''
def contrastive_loss(a, b, temperature):
    _check_pairs(a, b, temperature)
    a_hat = a / a.norm(dim=1, keepdim=True)
    scores = a_hat @ b.T / temperature
    n = scores.shape[0]
    right = torch.arange(n, device=scores.device)
    loss_rows = F.cross_entropy(scores, right)
    loss_cols = F.cross_entropy(scores.t(), right)
    return (loss_rows + loss_cols) / 2
''', says="only a's rows are made 1 long")  # fmt: skip

wrong("contrastive_loss", "the columns are made 1 long, and the cross-entropies summed over the batch", '''
def contrastive_loss(a, b, temperature):
    _check_pairs(a, b, temperature)
    AXIS = 0
    za, zb = F.normalize(a, dim=AXIS), F.normalize(b, dim=AXIS)
    similarity = torch.matmul(za, zb.transpose(0, 1)) / temperature
    target = torch.arange(similarity.size(0), device=similarity.device)
    red = "sum"
    l1 = F.cross_entropy(similarity, target, reduction=red)
    l2 = F.cross_entropy(similarity.transpose(0, 1), target, reduction=red)
    return (l1 + l2) / 2
''', faults=2, says="the columns are made 1 long")  # fmt: skip
