"""`antiphon eval`: every number of the README, measured."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon import audio_file, settings
from antiphon.cli import recognition_measures, written_measures
from antiphon.cli.options import given_or
from antiphon.cli.output import Json, chatter_to_stderr, show
from antiphon.errors import UserError
from antiphon.settings import Models, Paths

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.agent import Agent
    from antiphon.evaluation.measures.question_answering import Way
    from antiphon.evaluation.spoken_replies import Reply
    from antiphon.s2t.speech_to_text import SpeechToText
    from antiphon.t2c.pronunciation.pronounced_words import PronouncedWord
    from antiphon.t2c.voice import EchoVoice
    from antiphon.training.corpora.teacher import Teacher

    Pcm = NDArray[np.float32]

app = typer.Typer(
    help="Measure what the README claims. Needs the extras: pip install 'antiphon\\[train,eval]'.",
    no_args_is_help=True,
    add_completion=False,
)
app.command()(written_measures.normalization)
app.command()(written_measures.chat)
app.command()(recognition_measures.alignment)

Data = Annotated[Path, given_or(Paths, "data")]
Limit = Annotated[int | None, typer.Option(min=1, help="Judge at most so many.")]
Seed = Annotated[int, typer.Option(help="Which ones, and everything else left to chance.")]
Voice = Annotated[str, given_or(Models, "voice")]
REPLIES = 200
"""How many replies the README speaks of."""
RECORDINGS = 100
"""Recordings of each collection that are heard at most."""


@dataclass(frozen=True)
class Job:
    """What every measurement takes."""

    data: Path
    limit: int | None
    seed: int


Measure = Callable[..., Mapping[str, Any]]


def measure(title: str, name: str | None = None) -> Callable[[Measure], Measure]:
    """Makes a command of a measurement: it gets --data, --limit, --seed and --json.

    Args:
        title: of the table.
        name: of the command; None: the function's.
    """

    def register(function: Measure) -> Measure:
        def run(
            data: Data, limit: Limit = None, seed: Seed = 0, json: Json = False, **own: Any
        ) -> None:
            with working(seed):
                result = function(Job(data, limit, seed), **own)
            show(json, title, result)

        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        shared = [*inspect.signature(run, eval_str=True).parameters.values()][:-1]
        keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in (*shared, *own)]
        run.__name__, run.__doc__ = function.__name__, function.__doc__
        run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in keywords}
        app.command(name)(run)
        return function

    return register


@measure("Replies")
def replies(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Spoken replies against their own text, beside the teacher's voice."""
    from antiphon.evaluation.judges import judges
    from antiphon.evaluation.measures.replies import evaluate

    agent = load(voice=voice)
    return evaluate(
        agent, teacher(job.seed), written(agent, job.data, job.limit or REPLIES, job.seed), judges()
    )


@measure("Names")
def names(
    job: Job,
    voice: Voice,
    speech: Annotated[
        bool, typer.Option(help="Speak sentences; without, only pronounce words.")
    ] = True,
    wrong: Annotated[bool, typer.Option("--wrong", help="List wrong heteronyms.")] = False,
) -> Mapping[str, Any]:
    """Names, places and terms: word errors over the teacher's, and sounds. Needs no data."""
    from antiphon.agent import Agent
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures import names as measured
    from antiphon.evaluation.spoken_replies import read_out, speaking
    from antiphon.t2c.phonemes import group
    from antiphon.t2c.pronunciation.dictionary import Dictionary

    spoken = echo_voice(voice)
    told = pronouncing(spoken)
    result: dict[str, Any] = {
        "heteronyms": measured.told_apart([*measured.heteronyms()], told, wrong=wrong)
    }
    unseen = measured.unseen_names(job.limit or measured.NAMES, job.seed)
    said = measured.sentences(job.limit, job.seed)
    words = sorted({word.strip(".,?!") for text in said for word in text.split()})
    words = [word for word in words if word.isalpha()]
    label = piper().symbols

    def error(words: list[str]) -> float:
        return measured.sound_error(
            words, told, lambda word: [s for row in label(word) for s in row], group
        )

    result["sound_error"] = {"unseen": round(error(unseen), 3), "unseen_names": len(unseen)}
    result["sound_error"] |= {"with_lexicon": round(error(words), 3), "words": len(words)}
    spoken.t2c.dictionary = Dictionary(spoken.t2c.inventory)
    result["sound_error"]["without_lexicon"] = round(error(words), 3)
    if speech:
        agent = load(voice=voice)
        bare = Agent(agent.s2t, spoken, source="text")
        systems = {
            "hidden": speaking(agent, "hidden"),
            "text": speaking(agent, "text"),
            "text_without_lexicon": speaking(bare, "text"),
        }
        replies = [read_out(agent.s2t, text) for text in said]
        judge = recognizer(settings.load(settings.Evaluation).judge)
        result |= measured.evaluate(systems, teacher(job.seed), replies, judge, job.seed)
    return result


@measure("Stages of the voice, word errors in percent", name="voice")
def voice_(
    job: Job,
    voice: Voice,
    stages: Annotated[
        bool, typer.Option("--stages", help="Also with each stage replaced by the teacher's.")
    ] = False,
) -> Mapping[str, Any]:
    """Where words are lost between text and sound, on sentences of names. Needs no data."""
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures import names, voice_stages
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.voice import trained_for
    from antiphon.training.jobs.pronouncer import Speller
    from antiphon_codecs.unit.unit_codec import UnitCodec

    spoken = echo_voice(voice)
    if not isinstance(codec := spoken.codec, UnitCodec):
        raise UserError(f"The stages need a voice with a unit codec: {voice} has another.")
    own = load_vocabulary((*trained_for(voice), settings.load(settings.Models).llm)[0])
    speller = Speller(own.tokenizer, own.embeddings)
    taken = voice_stages.Stages(spoken.t2c, codec, piper(), speller, job.seed)
    return voice_stages.evaluate(
        names.sentences(job.limit, job.seed),
        taken,
        teacher(job.seed),
        recognizer(settings.load(settings.Evaluation).judge),
        voice_stages.STAGES if stages else voice_stages.STAGES[-1:],
    )


@measure("Units")
def units(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Unit words against raw units."""
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.unit_language import evaluate
    from antiphon_codecs.unit.unit_codec import UnitCodec

    sentences = material.sentences(job.data, job.limit or REPLIES, job.seed)
    spoken = echo_voice(voice)
    if not isinstance(codec := spoken.codec, UnitCodec):
        raise UserError(f"Unit words need a voice with a unit codec: {voice} has another.")
    recognize = recognizer(settings.load(settings.Evaluation).judge)
    return evaluate(sentences, teacher_latent(), codec, spoken.t2c.language, recognize)


@measure("Ears")
def ears(
    job: Job,
    noise: Annotated[float | None, typer.Option(help="Noise, so many dB below speech.")] = None,
    level: Annotated[float | None, typer.Option(help="Peak of recordings in dBFS.")] = None,
) -> Mapping[str, Any]:
    """Word errors on human speech, compared with Whisper. --limit counts in each collection."""
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.hearing import evaluate
    from antiphon.recognition.recognizer import from_pretrained, transcribe

    clips = material.clips(job.data, job.limit or RECORDINGS)
    name = settings.load(settings.Models).recognizer
    decoder = from_pretrained(name)
    ways: dict[str, Callable[[Pcm], str]] = {
        "ctc": listen("s2t").transcribe,
        "decoder": lambda pcm: transcribe(decoder, pcm).text,
        "whisper": recognizer(name),
    }
    return evaluate(clips, ways, material.changed(job.data, noise, level, job.seed))


@measure("Recognition")
def recognition(
    job: Job,
    recognizer: Annotated[str, typer.Option(help="What is measured: a name or folder.")],
    reference: Annotated[
        str, typer.Option(help="The Whisper beside it; Drax is measured beside its own.")
    ] = "whisper-tiny.en",
    ablation: Annotated[
        bool, typer.Option(help="Compare Drax's paths instead, by short trainings.")
    ] = False,
    minutes: Annotated[float, typer.Option(help="For these; they go on next time.")] = 60,
    steps: Annotated[int, typer.Option(min=1, help="Of each of them.")] = 300,
    seeds: Annotated[int, typer.Option(min=1, help="Of each path.")] = 3,
    work: Annotated[Path, typer.Option(help="Of `antiphon train drax`.")] = Path("work"),
) -> Mapping[str, Any]:
    """Word errors of a recognizer beside Whisper's. --limit counts in each collection."""
    if ablation:
        from antiphon.training.jobs import drax_ablation

        compared = drax_ablation.run(work / "drax", steps=steps, seeds=seeds, minutes=minutes)
        return {"ablation": compared}
    from antiphon.evaluation import material
    from antiphon.evaluation.measures.recognition import evaluate, evaluate_drax
    from antiphon.recognition import long_audio
    from antiphon.recognition.drax.recognizer import DraxRecognizer
    from antiphon.recognition.transcript import Options

    clips = material.clips(job.data, job.limit or RECORDINGS)
    listener = long_audio.from_pretrained(recognizer)
    if isinstance(listener.recognizer, DraxRecognizer):
        return evaluate_drax(clips, listener.recognizer, job.seed)
    other = long_audio.from_pretrained(reference)
    english = Options(language="en")
    found = evaluate(
        clips,
        lambda pcm: listener.transcribe(pcm, english).text,
        lambda pcm: other.transcribe(pcm, english).text,
    )
    return found | recognition_measures.habits(listener, job.data, job.limit, job.seed)


@measure("Silence")
def silence(job: Job) -> Mapping[str, Any]:
    """Sounds without speech that are answered, and speech that is not heard."""
    from antiphon.evaluation import material, speechless
    from antiphon.evaluation.measures.silence import evaluate

    s2t = listen(settings.load(settings.Models).ears)
    clips = material.clips(job.data, job.limit or RECORDINGS)
    return evaluate(
        islice(speechless.sounds(job.data, job.seed), job.limit),
        ((clip.part, audio_file.read(clip.path)) for clip in clips),
        lambda pcm: s2t.hear(pcm).finish().doubt,
    )


@measure("Questions answered, in percent")
def qa(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Right answers to spoken questions, compared with the same questions in writing."""
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.question_answering import evaluate
    from antiphon.training.corpora.synthetic_voices import HELD_OUT
    from antiphon.training.corpora.synthetic_voices import voice as speaker

    questions = material.questions(job.data, job.limit, job.seed)
    speakers = [speaker(name).speak for name in HELD_OUT]
    judge = recognizer(settings.load(settings.Evaluation).judge)
    agent = load(voice=voice)
    ways: dict[str, Way] = {
        "text": asked(agent, judge, by_sound=False),
        "s2t": asked(agent, judge, by_sound=True),
        "cascade": asked(cascaded(agent), judge, by_sound=True),
    }
    return evaluate(questions, speakers, ways)


@measure("Ablation")
def ablation(job: Job, voice: Voice) -> Mapping[str, Any]:
    """The voice with parts of the echo taken away, streaming and on whole replies."""
    from antiphon import weights
    from antiphon.evaluation.judges import judges
    from antiphon.evaluation.measures.ablation import evaluate, variants

    kinds = variants(weights.assets(voice))
    agent = load(voice=voice)
    return evaluate(
        agent, kinds, written(agent, job.data, job.limit or REPLIES, job.seed), judges()
    )


@measure("Turn taking", name="turn-taking")
def turn_taking_(
    job: Job,
    voice: Voice,
    patience: Annotated[float, typer.Option(help="Seconds waited after half a sentence.")] = 1.1,
    train: Annotated[bool, typer.Option("--train", help="The train split, to tune on.")] = False,
    aec: Annotated[bool, typer.Option("--aec/--no-aec", help="With AEC3 or without.")] = True,
) -> Mapping[str, Any]:
    """Voice activity, endpointing, echo and barge-in. --limit counts clips of each collection."""
    import numpy as np

    from antiphon import weights
    from antiphon.evaluation.measures import turn_taking
    from antiphon.evaluation.turn_scenes import Material
    from antiphon.recognition.whisper.audio_encoder import AudioEncoder
    from antiphon.recognition.whisper.turn_end_head import TurnEndHead
    from antiphon.runtime.turns.smart_turn import SmartTurn
    from antiphon.training.corpora.synthetic_voices import HELD_OUT
    from antiphon.training.corpora.synthetic_voices import voice as speaker

    split = "train" if train else "dev"
    material = Material.read(job.data, split, job.limit or 30, np.random.default_rng(job.seed))
    said = [speaker(n).speak(text) for n in HELD_OUT for text in turn_taking.BACKCHANNELS]
    agent = [aloud(text, voice) for text in turn_taking.AGENT]
    turn_end_head = TurnEndHead.load()
    recognizer = weights.path(settings.load(settings.Models).recognizer)
    encoder = AudioEncoder.load(recognizer, in_silence=True)
    judges: turn_taking.Judges = {
        "sound": SmartTurn().log_odds,
        "hearing": lambda turn: turn_end_head(encoder.encode(turn)[-1]),
    }
    return turn_taking.evaluate(
        material, agent, said, judges, job.seed, aec3=aec, patience=patience
    )


def aloud(text: str, voice: str) -> Pcm:
    """A text in the agent's voice, at 16 kHz."""
    import soxr

    from antiphon.cli.commands import say
    from antiphon.cli.timed_reply import read_aloud

    take = read_aloud(*say.load(text, voice=voice, llm=settings.load(settings.Models).llm))
    resampled: Pcm = soxr.resample(take.pcm, take.sample_rate, 16_000)
    return resampled


@contextmanager
def working(seed: int) -> Iterator[None]:
    """What libraries print goes to standard error, and chance is drawn by a seed."""
    import torch

    torch.manual_seed(seed)
    with chatter_to_stderr():
        yield


def load(**choices: Any) -> Agent:
    """The agent; tests put another one here."""
    from antiphon.cli.timed_reply import load_agent

    return load_agent(**choices)


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
    from antiphon.agent import Agent
    from antiphon.s2t import cascade
    from antiphon.s2t.speech_to_text import SpeechToText

    encoder = cascade.load(agent.s2t.llm, settings.load(settings.Models).recognizer)
    own = agent.s2t
    s2t = SpeechToText(own.llm, encoder, own.detector, own.system, own.examples)
    return Agent(s2t, agent.voice, trigger=agent.trigger, source=agent.source)


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

    from antiphon.training.corpora.synthetic_voices import voice

    onnxruntime.set_seed(seed)  # the voice is a little different every time
    return voice("piper:").speak


def piper() -> Teacher:
    """The Piper voice, cut open before its generator."""
    from antiphon import weights
    from antiphon.training.corpora.teacher import Teacher

    folder = weights.cache() / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    voice = next(weights.path(settings.load(settings.Training).teacher).glob("*.onnx"))
    return Teacher(voice, folder)


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
