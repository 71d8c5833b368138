"""UnitCodec: one small codebook over the latent of a Piper voice, and its HiFi-GAN.

A unit stands for one or a few latent frames (256 samples at 22,050 Hz each). The decoder looks
only a few units ahead, so sound streams; streaming gives what decoding the whole gives.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from antiphon.errors import UserError
from antiphon_codecs.codec import Pcm, Units
from antiphon_codecs.convnext import ConvNeXt
from antiphon_codecs.skip_init import SkipInit
from antiphon_codecs.unit import student_encoder
from antiphon_codecs.unit.hifigan import CONTEXT, HOP, HifiGan
from antiphon_codecs.unit.hifigan_session import HifiGanSession
from antiphon_codecs.unit.quantizer import VectorQuantizer
from antiphon_codecs.unit.student_encoder import SpeechEncoder, StudentEncoder

KERNEL = 7
NOISE_FRAMES = 1024
"""Latent frames after which the noise begins again, 12 seconds."""
TRAINING_ONLY = ("quantizer.usage", "quantizer.sums")


@dataclass(frozen=True)
class UnitCodecConfig:
    """Sizes of a `UnitCodec`."""

    codes: int = 512
    stride: int = 1
    """Latent frames a unit."""
    code_dim: int = 32
    latent: int = 192
    width: int = 256
    hidden: int = 512
    encoder_blocks: int = 4
    decoder_blocks: int = 8
    centred_blocks: int = 2
    """How many of the decoder's blocks see the future (three units each); the rest are causal."""
    sample_rate: int = 22050
    student_width: int = 0
    """Channels of the encoder for sound; 0 leaves it out."""
    student_blocks: int = 4
    student_states: int = 384
    """Width of the speech encoder's states it reads."""


class UnitCodec(nn.Module):
    """Latents to units and back, units to sound.

    Args:
        config: sizes.
    """

    def __init__(self, config: UnitCodecConfig) -> None:
        super().__init__()
        self.config = config
        c = config
        patch = c.latent * c.stride
        self.mean = nn.Buffer(torch.zeros(c.latent))
        self.std = nn.Buffer(torch.ones(c.latent))
        self.roughness = nn.Buffer(torch.zeros(c.codes, c.stride * c.latent))
        """Deviation of the noise that a unit's latent gets; the units themselves carry none."""
        self.texture = nn.Buffer(torch.eye(c.latent))
        """Factor of the correlation of that noise between the latent's dimensions."""
        chance = torch.Generator().manual_seed(0)
        self.grain = nn.Buffer(
            torch.randn(NOISE_FRAMES, c.latent, generator=chance), persistent=False
        )
        self.encoder = nn.Sequential(
            nn.Linear(patch, c.width),
            *(ConvNeXt(c.width, c.hidden, KERNEL, KERNEL // 2) for _ in range(c.encoder_blocks)),
            nn.LayerNorm(c.width),
            nn.Linear(c.width, c.code_dim),
        )
        self.quantizer = VectorQuantizer(c.codes, c.code_dim)
        self.decoder = nn.Sequential(
            nn.Linear(c.code_dim, c.width),
            *(
                ConvNeXt(c.width, c.hidden, KERNEL, KERNEL // 2 if i < c.centred_blocks else 0)
                for i in range(c.decoder_blocks)
            ),
            nn.LayerNorm(c.width),
            nn.Linear(c.width, patch),
        )
        self.generator = HifiGan(c.latent)
        self._session: HifiGanSession | None = None
        self.student: StudentEncoder | None = None
        if c.student_width:
            self.student = StudentEncoder(
                c.codes, self.unit_rate, c.student_states, c.student_width, c.student_blocks
            )
        self.speech_encoder: SpeechEncoder | None = None
        """Whose states the student reads; given by who loads the codec."""

    def normalize(self, z: torch.Tensor) -> torch.Tensor:
        """Latents as the encoder sees them."""
        return (z - self.mean) / self.std

    def denormalize(self, z: torch.Tensor) -> torch.Tensor:
        """Latents as the generator needs them."""
        return z * self.std + self.mean

    def patches(self, z: torch.Tensor) -> torch.Tensor:
        """[B, T, latent] to [B, T / stride, stride * latent]."""
        return z.reshape(z.shape[0], -1, self.config.stride * z.shape[-1])

    def frames(self, patches: torch.Tensor) -> torch.Tensor:
        """The inverse of `patches`."""
        return patches.reshape(patches.shape[0], -1, self.config.latent)

    # -- the Codec protocol ---------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        """Samples a second."""
        return self.config.sample_rate

    @property
    def unit_rate(self) -> float:
        """Units a second."""
        return self.config.sample_rate / (HOP * self.config.stride)

    @property
    def n_units(self) -> int:
        """Entries of the codebook."""
        return self.config.codes

    @property
    def samples_per_unit(self) -> int:
        """Samples a unit stands for."""
        return HOP * self.config.stride

    @torch.inference_mode()
    def encode_latent(self, z: torch.Tensor) -> Units:
        """Units [T / stride] of teacher latents [T, latent]; a rest below a stride is dropped."""
        z = z[: len(z) // self.config.stride * self.config.stride]
        if not len(z):
            return np.zeros(0, np.int64)
        codes = self.encoder(self.patches(self.normalize(z[None].float())))
        return self.quantizer.nearest(codes)[0].numpy()

    @torch.inference_mode()
    def decode_latent(self, units: Units, first: int = 0) -> torch.Tensor:
        """Latents [T * stride, latent] of units [T].

        Args:
            units: [T] units.
            first: index of the first of them in the stream, which decides their noise.
        """
        checked = self._checked(units)[None]
        codes = F.embedding(checked, self.quantizer.codebook)
        latent = self.denormalize(self.frames(self.decoder(codes)))[0]
        roughness = self.frames(F.embedding(checked, self.roughness))[0]
        moments = torch.arange(len(latent)) + first * self.config.stride
        return latent + roughness * (self.grain[moments % NOISE_FRAMES] @ self.texture.mT)

    @torch.inference_mode()
    def encode(self, pcm: Pcm) -> Units:
        """Units of anybody's speech, by the student encoder.

        Args:
            pcm: [N] samples at `sample_rate`.

        Returns:
            [ceil(N / samples_per_unit)] units.

        Raises:
            UserError: The codec was made without a student.
            ValueError: It was given no speech encoder.
        """
        if self.student is None:
            raise UserError(
                "This codec can only decode: train an encoder for it with `antiphon train student`."
            )
        if self.speech_encoder is None:
            raise ValueError(
                "the student reads a speech encoder's states: set codec.speech_encoder"
            )
        if not len(pcm):
            return np.zeros(0, np.int64)
        import soxr

        sound = soxr.resample(
            np.asarray(pcm, np.float32), self.sample_rate, student_encoder.SAMPLE_RATE
        )
        states = self.speech_encoder(sound)
        count = -(-len(pcm) // self.samples_per_unit)
        return self.student.units(states, count).numpy()

    @torch.inference_mode()
    def decode(self, units: Units) -> Pcm:
        """Samples [T * samples_per_unit] of units [T]."""
        if not len(units):
            return np.zeros(0, np.float32)
        return self.sound(self.decode_latent(units))

    def sound(self, latent: torch.Tensor) -> Pcm:
        """Samples [T * HOP] of a latent [T, 192], T > 0."""
        if self.training:
            with torch.inference_mode():
                return self.generator(latent[None])[0].cpu().numpy()
        if self._session is None:
            self._session = HifiGanSession(self.generator)
        return self._session(latent)

    def train(self, mode: bool = True) -> UnitCodec:
        """Switch between training and use; afterwards the generator's weights of now sound."""
        self._session = None
        super().train(mode)
        return self

    def start(self) -> UnitStream:
        """A stream that has not spoken yet."""
        return UnitStream(np.zeros(0, np.int64), first=0, spoken=0)

    @torch.inference_mode()
    def step(self, units: Units, state: UnitStream, final: bool = False) -> tuple[Pcm, UnitStream]:
        """Speak the next units of a stream by decoding a window around them again.

        The last `lookahead` units are held back until what follows them is known; joined, the
        pieces equal `decode` of the whole within 1e-4.

        Args:
            units: [T] units after those already given.
            state: from `start` or the step before.
            final: speak what is held back, too.
        """
        window = np.concatenate([state.window, units])
        known = state.first + len(window)
        until = known if final else max(state.spoken, known - self.lookahead)
        pcm = np.zeros(0, np.float32)
        if until > state.spoken:
            stride, room = self.config.stride, -(-CONTEXT // self.config.stride)
            near = max(state.first, state.spoken - room)
            latent = self.decode_latent(window, state.first)[(near - state.first) * stride :]
            far = min(known, until + room)
            pcm = self.sound(latent[: (far - near) * stride])
            hop = self.samples_per_unit
            pcm = pcm[(state.spoken - near) * hop : (until - near) * hop]
        first = max(state.first, until - self.lookback)
        return pcm, UnitStream(window[first - state.first :], first, until)

    @property
    def lookahead(self) -> int:
        """Units after a unit that can change its sound."""
        return self.config.centred_blocks * (KERNEL // 2) + -(-CONTEXT // self.config.stride)

    @property
    def lookback(self) -> int:
        """Units before a unit that can change its sound."""
        c = self.config
        causal = (c.decoder_blocks - c.centred_blocks) * (KERNEL - 1)
        return causal + c.centred_blocks * (KERNEL // 2) + -(-CONTEXT // c.stride)

    def _checked(self, units: Units) -> torch.Tensor:
        ids = torch.from_numpy(np.asarray(units, np.int64))
        if ids.ndim != 1:
            raise UserError("This codec has one codebook: these units are another codec's.")
        if len(ids) and not (int(ids.min()) >= 0 and int(ids.max()) < self.n_units):
            raise UserError(f"Units are outside 0 to {self.n_units - 1}: they are another codec's.")
        return ids

    # -- files ----------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write the weights in half precision, with the sizes in the header."""
        state = {k: v.half().contiguous() for k, v in self.state_dict().items()}
        state = {k: v for k, v in state.items() if k not in TRAINING_ONLY}
        save_file(state, path, metadata={"config": json.dumps(asdict(self.config))})

    @classmethod
    def load(cls, source: str | Path) -> UnitCodec:
        """Read what `save` wrote.

        Args:
            source: the file, or the folder of a voice that has it as `codec.safetensors`.

        Raises:
            UserError: There is no such file, or it is no `UnitCodec`.
        """
        path = Path(source)
        path = path / "codec.safetensors" if path.is_dir() else path
        try:
            with safe_open(path, "pt") as file:
                config = UnitCodecConfig(**json.loads(file.metadata()["config"]))
        except FileNotFoundError as error:
            raise UserError(f"There is no codec '{path}'.") from error
        except (SafetensorError, OSError, TypeError, KeyError) as error:
            raise UserError(f"'{path}' holds no codec, or is damaged.") from error
        with SkipInit():
            codec = cls(config)
        state = {k: v.float() for k, v in load_file(path).items()}
        codec.load_state_dict(state, strict=False, assign=True)
        return codec.eval().requires_grad_(False)


@dataclass(frozen=True)
class UnitStream:
    """Where a streaming decode stands."""

    window: Units
    """The last units, as far back as they can still be heard."""
    first: int
    """Index of the first of them in the stream."""
    spoken: int
    """Units whose samples were handed out."""
