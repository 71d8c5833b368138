"""What each format of sound takes and costs, by a recorded question."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from antiphon import audio_file, weights
from antiphon.runtime.frames import RATE, played
from antiphon.transports.mqtt.wire.formats import encodec, opus
from antiphon.transports.mqtt.wire.formats.format import Format, Samples
from antiphon.transports.mqtt.wire.formats.pcm import pcm
from antiphon.transports.mqtt.wire.packets import MAX_FRAMES

WAYS = {"up": 16_000, "down": 22_050}


def formats() -> dict[str, Any]:
    """Bytes a second, delay in ms and percent of a core of every format, both ways."""
    found: dict[str, Any] = {}
    for name, kind in {"pcm": pcm, "opus": opus.load(), "encodec": random_encodec()}.items():
        for way, rate in WAYS.items():
            measured = measure(kind(rate), question(rate))
            found |= {f"{name}_{what}_{way}": value for what, value in measured.items()}
    # What is written with random weights sounds like nothing, so its delay cannot be seen.
    return {key: value for key, value in found.items() if not key.startswith("encodec_delay")}


def measure(format_: Format, sound: Samples) -> dict[str, float]:
    """The figures of one format by one sound [N]."""
    writer, reader, size = format_.coder(), format_.coder(), MAX_FRAMES * played(format_.rate)
    parts = np.split(sound, range(size, len(sound), size))
    reader.decode(writer.encode(np.zeros(size, np.float32)))  # loads what is to be loaded
    begin = time.process_time()
    bodies = [writer.encode(part) for part in parts]
    written = time.process_time()
    back = np.concatenate([reader.decode(body) for body in bodies])
    seconds, read = len(sound) / format_.rate, time.process_time()
    alike = [float(sound[: len(sound) - at] @ back[at:]) for at in range(format_.rate // 50)]
    return {
        "bytes_per_s": round(sum(map(len, bodies)) / seconds),
        "delay_ms": round(1000 * int(np.argmax(alike)) / format_.rate, 1),
        "write_core_percent": round(100 * (written - begin) / seconds, 2),
        "read_core_percent": round(100 * (read - written) / seconds, 2),
    }


def question(rate: int) -> Samples:
    """A recorded question in whole packets."""
    path = min(weights.assets("questions").glob("*.wav"))
    sound = soxr.resample(audio_file.read(path), RATE, rate).astype(np.float32)
    size = MAX_FRAMES * played(rate)
    return sound[: len(sound) // size * size]


def random_encodec() -> Callable[[int], Format]:
    """EnCodec of the true size with random weights: it costs what the true one does."""
    import torch
    from transformers import EncodecConfig, EncodecModel

    from antiphon_codecs.encodec.encodec_codec import EncodecCodec

    torch.set_num_threads(1)
    return encodec.formats(EncodecCodec(EncodecModel(EncodecConfig())))
