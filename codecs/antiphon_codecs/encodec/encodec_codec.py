"""EncodecCodec: EnCodec (24 kHz, causal) behind the `Codec` protocol.

Streaming decode re-decodes a short window: the convolutions see as many frames again as their
receptive field reaches back, while the LSTM between them carries its state on. So it equals
decoding the whole up to float rounding (`TOLERANCE`), however long the stream; a window through
the LSTM alone would never be exact, since it forgets nothing completely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import EncodecConfig, EncodecModel

from antiphon.errors import UserError
from antiphon_codecs.codec import Pcm, Units
from antiphon_codecs.encodec import checkpoint

TOLERANCE = 1e-4
"""Largest difference between streamed and whole decoding, in units of full scale."""


@dataclass(frozen=True)
class EncodecStream:
    """Where a stream stands."""

    pending: Units
    """[Q, T] frames not spoken yet: the first few, which the start's reflected padding mixes."""
    context: Units
    """[Q, C] the last frames spoken, for the convolution before the LSTM."""
    lstm: tuple[torch.Tensor, torch.Tensor] | None
    """The LSTM's two states [layers, 1, D] after the frames spoken."""
    features: torch.Tensor
    """[1, D, R] its last outputs, for the convolutions behind it."""


class EncodecCodec:
    """Speech <-> units of several codebooks [Q, T], 75 frames a second."""

    def __init__(self, model: EncodecModel, bandwidth: float = 6.0) -> None:
        """Use a loaded model.

        Args:
            model: Causal and neither chunked nor normalised, as the 24 kHz one.
            bandwidth: kbit/s to encode at, one of the model's; sets Q. Any Q can be decoded.

        Raises:
            UserError: The model cannot stream, or has no such bandwidth.
        """
        config = model.config
        if not config.use_causal_conv or config.normalize or config.chunk_length_s is not None:
            raise UserError("this EnCodec model cannot stream: use facebook/encodec_24khz")
        if bandwidth not in config.target_bandwidths:
            choices = ", ".join(str(each) for each in config.target_bandwidths)
            raise UserError(f"EnCodec has no bandwidth of {bandwidth} kbit/s: choose {choices}")
        self.model = model.eval()
        self.bandwidth = bandwidth
        self.codebooks = model.quantizer.get_num_quantizers_for_bandwidth(bandwidth)
        self._before = config.kernel_size - 1
        self._behind = receptive_field(config)
        self._width = config.num_filters * 2 ** len(config.upsampling_ratios)

    @classmethod
    def load(
        cls, source: str | Path = "facebook/encodec_24khz", bandwidth: float = 6.0
    ) -> EncodecCodec:
        """Load a model.

        Args:
            source: a folder with transformers' config.json and model.safetensors; a checkpoint of
                the `encodec` package (*.th), or a folder with one; or a name on the model hub.
            bandwidth: kbit/s to encode at.

        Raises:
            UserError: There is no such model, it is damaged, or there is no network to fetch it.
        """
        if path := checkpoint.find(source):
            return cls(checkpoint.load(path), bandwidth)
        try:
            model = EncodecModel.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no EnCodec model at {source}: give a folder with config.json and "
                "model.safetensors, a checkpoint (.th) of the encodec package, or a name on the "
                "model hub and a network"
            ) from error
        return cls(model, bandwidth)

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return int(self.model.config.sampling_rate)

    @property
    def unit_rate(self) -> float:
        """Frames a second."""
        return self.sample_rate / self.samples_per_unit

    @property
    def n_units(self) -> int:
        """Entries of each codebook."""
        return int(self.model.config.codebook_size)

    @property
    def samples_per_unit(self) -> int:
        """Samples a frame stands for."""
        return int(self.model.config.hop_length)

    @property
    def lookahead(self) -> int:
        """Frames held back at the start of a stream; none later."""
        return self._before

    @torch.inference_mode()
    def encode(self, pcm: Pcm) -> Units:
        """Units [Q, T] of samples [N]; T is N / samples_per_unit, rounded up."""
        if not len(pcm):
            return np.zeros((self.codebooks, 0), np.int64)
        samples = torch.from_numpy(np.ascontiguousarray(pcm, np.float32))[None, None]
        found = self.model.encode(samples, bandwidth=self.bandwidth)
        units: Units = found.audio_codes[0, 0].numpy()
        return units

    @torch.inference_mode()
    def decode(self, units: Units) -> Pcm:
        """Samples [T * samples_per_unit] of units [Q, T].

        Raises:
            UserError: A unit or the number of codebooks is not the model's.
        """
        codes = self._checked(units)
        if not codes.shape[1]:
            return np.zeros(0, np.float32)
        pcm: Pcm = self.model.decode(codes[None, None], [None]).audio_values[0, 0].numpy()
        return pcm

    def start(self) -> EncodecStream:
        """State of a stream that has not spoken yet."""
        none = np.zeros((0, 0), np.int64)
        return EncodecStream(none, none, None, torch.zeros(1, self._width, 0))

    @torch.inference_mode()
    def step(
        self, units: Units, state: EncodecStream, final: bool = False
    ) -> tuple[Pcm, EncodecStream]:
        """Speak the next units [Q, T] of a stream.

        The first sound comes once as many frames are there as the first convolution spans (7,
        93 ms); from then on nothing is held back.

        Raises:
            UserError: A unit or the number of codebooks is not the model's.
        """
        self._checked(units)
        pending = np.concatenate([state.pending, units], 1) if state.pending.size else units
        too_few = state.lstm is None and pending.shape[1] <= self._before and not final
        if too_few or not pending.shape[1]:
            return np.zeros(0, np.float32), EncodecStream(
                pending, state.context, state.lstm, state.features
            )
        seen = np.concatenate([state.context, pending], 1) if state.context.size else pending
        context = seen.shape[1] - pending.shape[1]
        first, recurrent, *others = self.model.decoder.layers
        embedded = self.model.quantizer.decode(torch.from_numpy(seen)[:, None])
        new = first(embedded)[..., context:].permute(2, 0, 1)
        out, lstm = recurrent.lstm(new, state.lstm)
        features = torch.cat([state.features, (out + new).permute(1, 2, 0)], 2)
        sound = features
        for layer in others:
            sound = layer(sound)
        spoken = state.features.shape[2] * self.samples_per_unit
        return sound[0, 0, spoken:].numpy().copy(), EncodecStream(
            np.zeros((0, 0), np.int64),
            seen[:, -self._before :],
            lstm,
            features[..., -self._behind :].clone(),
        )

    def _checked(self, units: Units) -> torch.Tensor:
        most = len(self.model.quantizer.layers)
        if units.ndim != 2 or not 1 <= len(units) <= most:
            raise UserError(f"EnCodec speaks units of 1 to {most} codebooks: got {units.shape}")
        if units.size and not (units.min() >= 0 and units.max() < self.n_units):
            raise UserError(f"a unit is outside 0 to {self.n_units - 1}: was it another codec's?")
        return torch.from_numpy(np.asarray(units, np.int64))


def receptive_field(config: EncodecConfig) -> int:
    """Frames that the convolutions behind the LSTM reach back from a frame's first sample."""
    back: int = config.last_kernel_size - 1  # samples, at the rate of the layer we stand behind
    for ratio in reversed(config.upsampling_ratios):
        for index in range(config.num_residual_layers):
            back += (config.residual_kernel_size - 1) * config.dilation_growth_rate**index
        back = math.ceil(back / ratio) + 1  # kernel of twice the ratio: one step back
    return back
