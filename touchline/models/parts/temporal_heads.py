"""What turns a feature vector per frame, (B, T, D), into class logits per frame.

The heads of E2E-Spot (Hong et al., ECCV 2022): bidirectional GRU, MS-TCN (Farha and Gall,
CVPR 2019), ASFormer (Yi et al., BMVC 2021), or a linear layer. Names of parameters are those of
the published weights. A head of several stages returns (S, B, T, K+1), its prediction last.

Dropout is PyTorch's own here: the picture network takes nearly all of a step, so faster masks (see
``touchline.models.parts.dropout``) would not be felt, and runs keep the numbers they began with.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRU_MAX_HIDDEN = 768
TCN_MAPS = 256
ASFORMER_MAPS = 64
DILATIONS = (1, 2, 4, 8, 16)


class LinearHead(nn.Module):
    """A linear layer per frame."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self._fc_out = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K+1)."""
        return self._fc_out(x)


class GRUHead(nn.Module):
    """A bidirectional GRU, dropout, and a linear layer."""

    def __init__(self, features: int, outputs: int, layers: int = 1) -> None:
        super().__init__()
        hidden = min(features, GRU_MAX_HIDDEN)
        self._gru = nn.GRU(
            features, hidden, num_layers=layers, batch_first=True, bidirectional=True
        )
        self._dropout = nn.Dropout(0.5)
        self._fc_out = LinearHead(2 * hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, K+1)."""
        states, _ = self._gru(x)
        return self._fc_out(self._dropout(states))


class DilatedResidualLayer(nn.Module):
    """Dilated convolution over time, ReLU, 1x1 convolution, dropout, plus the input."""

    def __init__(self, maps: int, dilation: int, dropout: nn.Module) -> None:
        super().__init__()
        self.conv_dilated = nn.Conv1d(maps, maps, 3, padding=dilation, dilation=dilation)
        self.conv_1x1 = nn.Conv1d(maps, maps, 1)
        self.dropout = dropout

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        return x + self.dropout(self.conv_1x1(F.relu(self.conv_dilated(x))))


class TCNStage(nn.Module):
    """One stage of MS-TCN."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_1x1 = nn.Conv1d(inputs, TCN_MAPS, 1)
        self.layers = nn.ModuleList(
            DilatedResidualLayer(TCN_MAPS, d, nn.Dropout(0.5)) for d in DILATIONS
        )
        self.conv_out = nn.Conv1d(TCN_MAPS, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T) -> (B, outputs, T)."""
        x = self.conv_1x1(x)
        for layer in self.layers:
            x = layer(x)
        return self.conv_out(x)


class MSTCNHead(nn.Module):
    """MS-TCN: three stages, each refining the probabilities of the one before."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self._tcn = TCNStage(features, outputs)
        self._stages = nn.ModuleList(TCNStage(outputs, outputs) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (3, B, T, K+1)."""
        logits = [self._tcn(x.transpose(1, 2))]
        for stage in self._stages:
            logits.append(stage(logits[-1].softmax(dim=1)))
        return torch.stack(logits).transpose(2, 3)


class LocalAttention(nn.Module):
    """Attention of every step to a window of about ``span`` steps around it.

    Time is cut into blocks of ``span`` steps; a block looks at itself and half a block on either
    side. Within this window a step attends to the ``span`` steps centred on it; the others keep
    a weight of 1e-6 in the denominator only. Steps outside the clip are zeros and masked.
    """

    def __init__(self, maps: int, span: int) -> None:
        super().__init__()
        self.span = span
        inner = maps // 2
        self.query_conv = nn.Conv1d(maps, inner, 1)
        self.key_conv = nn.Conv1d(maps, inner, 1)
        self.value_conv = nn.Conv1d(maps, inner, 1)
        self.conv_out = nn.Conv1d(inner, maps, 1)

    def windows(self, x: Tensor, positions: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T, W): what each step's window holds, zeros outside the clip."""
        padded = F.pad(x, (self.span // 2, 2 * self.span))
        gathered = padded.index_select(2, positions.flatten())
        return gathered.reshape(*x.shape[:2], -1, positions.shape[1])

    def forward(self, x: Tensor, source: Tensor) -> Tensor:
        """Attend.

        Args:
            x: (B, C, T) from which queries and keys come.
            source: (B, C, T) from which values come.

        Returns:
            (B, C, T).
        """
        query, key, value = self.query_conv(x), self.key_conv(x), self.value_conv(source)
        step = torch.arange(x.shape[2], device=x.device)[:, None]
        offset = torch.arange(self.span + 2 * (self.span // 2), device=x.device)[None]
        row = step % self.span
        positions = step - row + offset
        inside = positions - self.span // 2
        seen = (offset >= row) & (offset < row + self.span)
        mask = (seen & (inside >= 0) & (inside < x.shape[2])).to(query.dtype)

        scores = (query[..., None] * self.windows(key, positions)).sum(1) / math.sqrt(
            query.shape[1]
        )
        weights = (scores + (mask + 1e-6).log()).softmax(dim=-1) * mask
        context = (weights[:, None] * self.windows(value, positions)).sum(-1)
        return self.conv_out(context.relu())


class ConvFeedForward(nn.Module):
    """Dilated convolution over time and ReLU."""

    def __init__(self, maps: int, dilation: int) -> None:
        super().__init__()
        self.layer = nn.Sequential(
            nn.Conv1d(maps, maps, 3, padding=dilation, dilation=dilation), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        return self.layer(x)


def instance_norm(x: Tensor) -> Tensor:
    """(B, C, T): each channel of each clip to mean 0, deviation 1 over time; one step gives 0."""
    variance, mean = torch.var_mean(x, dim=2, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + 1e-5)


class ASFormerLayer(nn.Module):
    """Dilated convolution, local attention over its normalised output, 1x1 convolution."""

    def __init__(self, maps: int, dilation: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.feed_forward = ConvFeedForward(maps, dilation)
        self.att_layer = LocalAttention(maps, dilation)
        self.conv_1x1 = nn.Conv1d(maps, maps, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """(B, C, T), values from ``source`` (B, C, T) if given -> (B, C, T)."""
        local = self.feed_forward(x)
        normalised = instance_norm(local)
        attended = self.att_layer(normalised, normalised if source is None else source)
        return x + self.dropout(self.conv_1x1(self.alpha * attended + local))


class ASFormerModule(nn.Module):
    """Encoder or decoder of ASFormer: returns its logits and its feature map."""

    def __init__(self, inputs: int, outputs: int, alpha: float, channel_dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout1d(channel_dropout)
        self.conv_1x1 = nn.Conv1d(inputs, ASFORMER_MAPS, 1)
        self.layers = nn.ModuleList(ASFormerLayer(ASFORMER_MAPS, d, alpha) for d in DILATIONS)
        self.conv_out = nn.Conv1d(ASFORMER_MAPS, outputs, 1)

    def forward(self, x: Tensor, source: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(B, inputs, T) -> logits (B, outputs, T), features (B, maps, T)."""
        x = self.conv_1x1(self.dropout(x))
        for layer in self.layers:
            x = layer(x, source)
        return self.conv_out(x), x


class ASFormer(nn.Module):
    """An encoder and three decoders, each refining the probabilities of the one before."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.encoder = ASFormerModule(features, outputs, alpha=1.0, channel_dropout=0.3)
        self.decoders = nn.ModuleList(
            ASFormerModule(outputs, outputs, alpha=math.exp(-3.0 * s), channel_dropout=0.0)
            for s in range(3)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, D, T) -> (4, B, K+1, T)."""
        logits, features = self.encoder(x)
        stages = [logits]
        for decoder in self.decoders:
            logits, features = decoder(stages[-1].softmax(dim=1), features)
            stages.append(logits)
        return torch.stack(stages)


class ASFormerHead(nn.Module):
    """ASFormer over frame features."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self._net = ASFormer(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (4, B, T, K+1)."""
        return self._net(x.transpose(1, 2)).transpose(2, 3)


def _deeper_gru(features: int, outputs: int) -> GRUHead:
    return GRUHead(features, outputs, layers=3)


HEADS: dict[str, Callable[[int, int], nn.Module]] = {
    "": LinearHead,
    "gru": GRUHead,
    "deeper_gru": _deeper_gru,
    "mstcn": MSTCNHead,
    "asformer": ASFormerHead,
}
"""Head by its published ``temporal_arch``; called with (features, outputs)."""
