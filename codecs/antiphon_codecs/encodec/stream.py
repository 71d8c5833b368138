"""EnCodec in both directions at once: what comes in whole frames leaves in as many, at once.

A stream begins as if there had been silence before, so nothing is held back at its start.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from antiphon_codecs.codec import Pcm, Units
from antiphon_codecs.encodec.encodec_codec import EncodecCodec

SILENCE = 16
"""Frames of silence that come before every stream."""


class StreamEncoder:
    """Samples into units. The convolutions see a little again, the LSTM carries its state on.

    Args:
        codec: holds the weights.
    """

    def __init__(self, codec: EncodecCodec) -> None:
        self._codec = codec
        layers = list(codec.model.encoder.layers)
        self._first, self._recurrent, self._last = layers[:-3], layers[-3].lstm, layers[-2:]
        self._hop = codec.samples_per_unit
        self._back = reach(codec)
        self._past = torch.zeros(self._back * self._hop)
        self._lstm: tuple[torch.Tensor, torch.Tensor] | None = None
        self._features = torch.zeros(1, self._recurrent.hidden_size, 0)
        self._span = codec.model.config.last_kernel_size - 1
        self(np.zeros(SILENCE * self._hop, np.float32))

    @torch.inference_mode()
    def __call__(self, pcm: Pcm) -> Units:
        """Units [Q, T] of [T * samples_per_unit] samples."""
        seen = torch.cat([self._past, torch.from_numpy(np.ascontiguousarray(pcm, np.float32))])
        self._past = seen[-self._back * self._hop :]
        sound = seen[None, None]
        for layer in self._first:
            sound = layer(sound)
        new = sound[..., self._back :].permute(2, 0, 1)
        out, self._lstm = self._recurrent(new, self._lstm)
        features = torch.cat([self._features, (out + new).permute(1, 2, 0)], 2)
        known = self._features.shape[2]
        self._features = features[..., -self._span :]
        for layer in self._last:
            features = layer(features)
        codes = self._codec.model.quantizer.encode(features[..., known:], self._codec.bandwidth)
        units: Units = codes[:, 0].numpy()
        return units


class StreamDecoder:
    """Units into samples, from the first unit on.

    Args:
        codec: holds the weights.
    """

    def __init__(self, codec: EncodecCodec) -> None:
        self._codec = codec
        silence = np.zeros(SILENCE * codec.samples_per_unit, np.float32)
        _, self._state = codec.step(codec.encode(silence), codec.start())

    def __call__(self, units: Units) -> Pcm:
        """Samples [T * samples_per_unit] of units [Q, T]."""
        pcm, self._state = self._codec.step(units, self._state)
        return pcm


def reach(codec: EncodecCodec) -> int:
    """Frames that the convolutions before the LSTM reach back from a frame's first sample."""
    config = codec.model.config
    back, step = config.kernel_size - 1, 1
    for ratio in reversed(config.upsampling_ratios):
        dilations = (config.dilation_growth_rate**i for i in range(config.num_residual_layers))
        back += step * sum((config.residual_kernel_size - 1) * each for each in dilations)
        back += step * ratio
        step *= ratio
    return math.ceil(back / codec.samples_per_unit)
