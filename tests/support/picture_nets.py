"""Small networks of pictures, and how the tests of class activation maps ask for explanations of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import perturbxai as px


class Pooled(nn.Module):
    """Convolutions, functions instead of modules for activation and pooling, a linear head."""

    def __init__(self, channels=6, classes=3, inplace=False):
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.act = nn.ReLU(inplace=inplace)
        self.second = nn.Conv2d(channels, channels, 3, stride=2, padding=1)
        self.squeeze = nn.Conv2d(channels, channels, 1)
        self.head = nn.Linear(channels, classes)

    def features(self, x):
        x = self.act(self.second(self.act(self.first(x))))
        return x * self.squeeze(F.adaptive_avg_pool2d(x, 1)).sigmoid()  # squeeze and excite: a collapse that is not the last

    def tail(self, features):
        return self.head(features.mean((2, 3)))

    def forward(self, x):
        return self.tail(self.features(x))


class Flat(nn.Module):
    """A head that is linear in the map, but not in its mean."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 4, 3, stride=4, padding=1), nn.Linear(4 * 8 * 8, 3)

    def features(self, x):
        return self.body(x).relu()

    def tail(self, features):
        return self.head(torch.flatten(features, 1))

    def forward(self, x):
        return self.tail(self.features(x))


class Deep(Pooled):
    """A pooled network whose head is not linear."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(3, 3)

    def tail(self, features):
        return self.last(self.head(features.mean((2, 3))).square())


class Counting(Pooled):
    """A network that counts its pictures before it looks at them."""

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)).view(len(x), -1))


class Joined(Pooled):
    """A network whose head reads the first map too, which goes past the last one."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(12, 3)

    def forward(self, x):
        return self.head(torch.cat([self.act(self.first(x)).amax((2, 3)), self.features(x).mean((2, 3))], dim=1))


class Tokens(nn.Module):
    """A small vision transformer that averages its tokens."""

    def __init__(self, norms=True):
        super().__init__()
        self.patches, self.laid = nn.Conv2d(3, 8, 8, stride=8), nn.Identity()
        mixed = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8))
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True) if norms else mixed
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.block(self.laid(self.patches(x).flatten(2).transpose(1, 2))).mean(1))


class Merged(Tokens):
    """A transformer that merges its tokens by pairs."""

    def __init__(self):
        super().__init__()
        self.merged = nn.AvgPool1d(2)

    def forward(self, x):
        return self.head(self.merged(self.laid(self.patches(x).flatten(2)) * 1.0).mean(2))


def seeded(make, seed=0, **options):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make(**options).eval()


def picture(seed=0, height=32, width=32):
    return np.random.default_rng(seed).random((height, width, 3), dtype=np.float32)


def explained(methods, net, x=None, *, fill="mean", n_segments=6, predictor=None, **options):
    """baselines() on a grid of superpixels; predictor: options of the Predictor."""
    space = px.ImageSpace(segments="grid", n_segments=n_segments, fill=fill)
    predictor = px.Predictor(net, **(predictor or {}))
    return px.baselines(methods, predictor, space, picture() if x is None else x, **options)


def cut(net, x=None):
    """(activations (C, h, w), gradients (K, C, h, w), scores (K,)): a network cut in two by hand, without our hooks."""
    x = torch.as_tensor(picture() if x is None else x).permute(2, 0, 1)[None]
    features = net.features(x).detach().requires_grad_(True)
    scores = net.tail(features)[0]
    gradients = [torch.autograd.grad(one, features, retain_graph=True)[0][0] for one in scores]
    return features[0].detach().double().numpy(), torch.stack(gradients).double().numpy(), scores.detach().double().numpy()
