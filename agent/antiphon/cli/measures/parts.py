"""What `antiphon eval` measures: the agent and its parts. Tests put others here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from antiphon import settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.agent import Agent
    from antiphon.evaluation.measures.question_answering import Way
    from antiphon.evaluation.spoken_replies import Reply
    from antiphon.s2t.speech_to_text import SpeechToText
    from antiphon.t2c.pronunciation.pronounced_words import PronouncedWord
    from antiphon.t2c.voice import EchoVoice
    from antiphon.training.corpora.voice.teacher import Teacher

    Pcm = NDArray[np.float32]


def aloud(text: str, voice: str) -> Pcm:
    """A text in the agent's voice, at 16 kHz."""
    import soxr

    from antiphon.cli.commands import say
    from antiphon.cli.timed_reply import read_aloud

    take = read_aloud(*say.load(text, voice=voice, llm=settings.load(settings.Models).llm))
    resampled: Pcm = soxr.resample(take.pcm, take.sample_rate, 16_000)
    return resampled


def load(**choices: Any) -> Agent:
    """The agent; tests put another one here."""
    from antiphon.cli.timed_reply import load_agent

    return load_agent(**choices)


def teaching_model(voice: str) -> str:
    """The language model that an EchoX voice was trained with.

    Raises:
        UserError: It is no EchoX voice.
    """
    from antiphon.errors import UserError
    from antiphon.t2c.voice import trained_for

    own = trained_for(voice)
    if not own:
        raise UserError(f"{voice} is no EchoX voice: it has no echo whose parts could be left out.")
    return own[0]


def echo_voice(voice: str) -> EchoVoice:
    """An EchoX voice, without the rest of the agent."""
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.voice import load

    return load(voice, load_vocabulary(settings.load(settings.Models).llm))


def listen(ears: str) -> SpeechToText:
    """The agent's hearing alone."""
    from antiphon.s2t.speech_to_text import SpeechToText

    return SpeechToText.from_pretrained(ears=ears)


def cascaded(agent: Agent) -> Agent:
    """The same agent, but its language model reads the recognizer's transcript."""
    from antiphon.s2t.cascade import CascadeEncoder

    transcribes = isinstance(agent.s2t.question_encoder, CascadeEncoder)
    return agent if transcribes else agent.with_parts(ears="cascade")


def asked(agent: Agent, recognize: Callable[[Pcm], str], *, by_sound: bool) -> Way:
    """A way of answering: by an agent that hears the question, or that reads it."""
    from antiphon.evaluation.measures.question_answering import Answer
    from antiphon.evaluation.spoken_replies import speaking, text_of

    speak = speaking(agent, agent.source)

    def way(text: str, pcm: Pcm) -> Answer:
        reply = tuple(agent.s2t.reply(pcm if by_sound else text))
        return Answer(text_of(reply), lambda: recognize(speak(reply)))

    return way


def written(agent: Agent, data: Path, count: int, seed: int) -> list[Reply]:
    """The language model's replies to held-out prompts, kept from run to run."""
    from antiphon import weights
    from antiphon.evaluation import material, spoken_replies

    prompts = material.prompts(data, count, seed)
    return spoken_replies.replies(agent.s2t, prompts, weights.cache() / "evaluation")


def teacher(seed: int) -> Callable[[str], Pcm]:
    """The Piper voice as it comes, at the judges' rate."""
    import onnxruntime

    from antiphon.training.corpora.hearing.synthetic_voices import voice

    onnxruntime.set_seed(seed)  # the voice is a little different every time
    return voice("piper:").speak


def unknown_voices() -> dict[str, Callable[[str], Pcm]]:
    """Voices that nothing was trained on, by name: a text to sound at 16 kHz."""
    from antiphon.training.corpora.hearing.synthetic_voices import HELD_OUT, voice

    return {name: voice(name).speak for name in HELD_OUT}


def piper() -> Teacher:
    """The Piper voice, cut open before its generator."""
    from antiphon import weights
    from antiphon.training.corpora.voice.teacher import Teacher

    folder = weights.cache() / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    voice = next(weights.path(settings.load(settings.Training).teacher).glob("*.onnx"))
    return Teacher(voice, folder)


def reading(voice: str) -> Callable[[str], Pcm]:
    """A voice that reads texts, without the rest of the agent, at the judges' rate."""
    from antiphon.agent import Agent
    from antiphon.evaluation.spoken_replies import speaking
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.spelling import text_tokens

    vocabulary = load_vocabulary(settings.load(settings.Models).llm)
    speak = speaking(Agent(cast("SpeechToText", None), echo_voice(voice)), "text")
    return lambda text: speak(tuple(text_tokens(text, vocabulary)))


def pronouncing(voice: EchoVoice) -> Callable[[str], list[PronouncedWord]]:
    """How a voice says the words of a text."""
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.spelling import text_tokens
    from antiphon.t2c.trigger import BreathTrigger

    vocabulary = load_vocabulary(settings.load(settings.Models).llm)

    def words(text: str) -> list[PronouncedWord]:
        return list(voice.pronounced(BreathTrigger().cut(text_tokens(text, vocabulary))))

    return words


def teacher_latent() -> Callable[[str], Any]:
    """The Piper voice's latent [T, 192] of a text."""
    import numpy as np
    import torch

    cut = piper()

    def latent(text: str) -> Any:
        said = [cut.speak(text, phonemes).latent for phonemes in cut.phonemes(text)]
        return torch.from_numpy(np.concatenate(said).astype(np.float32))

    return latent
