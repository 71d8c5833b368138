"""`antiphon eval`: every number of the README, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from antiphon import audio_file, settings
from antiphon.cli.measures import mome as mome_measures
from antiphon.cli.measures import parts
from antiphon.cli.measures import recognition as recognition_measures
from antiphon.cli.measures import spoken as spoken_measures
from antiphon.cli.measures import written as written_measures
from antiphon.cli.measures.measure import Job, LanguageModel, Voice, measure
from antiphon.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from antiphon.evaluation.measures.question_answering import Way

    Pcm = NDArray[np.float32]

app = typer.Typer(
    help="Measure what the README claims. Needs the extras: pip install 'antiphon\\[train,eval]'.",
    no_args_is_help=True,
    add_completion=False,
)
app.command()(written_measures.normalization)
app.command()(written_measures.chat)
app.command()(recognition_measures.alignment)
measure(app, "Innocent words heard as offensive ones, in percent")(spoken_measures.offensive)
measure(app, "Prosody")(spoken_measures.prosody)
measure(app, "Recognition")(recognition_measures.recognition)
measure(app, "MoME by rate")(mome_measures.mome)

REPLIES = 200
"""How many replies the README speaks of."""
QUESTIONS = 400
"""Questions that are heard, if nobody says how many."""


@measure(app, "Replies")
def replies(job: Job, voice: Voice, llm: LanguageModel) -> Mapping[str, Any]:
    """Spoken replies against their own text, beside the teacher's voice."""
    from antiphon.evaluation.judges import judges
    from antiphon.evaluation.measures.speaking.replies import evaluate

    agent = parts.load(voice=voice, llm=llm)
    return evaluate(
        agent,
        parts.teacher(job.seed),
        parts.written(agent, job.data, job.limit or REPLIES, job.seed),
        judges(),
    )


@measure(app, "Names")
def names(
    job: Job,
    voice: Voice,
    speech: Annotated[
        bool, typer.Option(help="Speak sentences; without, only pronounce words.")
    ] = True,
    bare: Annotated[bool, typer.Option("--bare", help="Speak without the lexicon, too.")] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="List wrong heteronyms.")] = False,
) -> Mapping[str, Any]:
    """Names, places and terms: word errors over the teacher's, and sounds. Needs no data."""
    from tqdm import tqdm

    from antiphon.agent import Agent
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.speaking import names as measured
    from antiphon.evaluation.spoken_replies import paths, read_out, speaking
    from antiphon.t2c.phonemes import group
    from antiphon.t2c.pronunciation.dictionary import Dictionary

    spoken = parts.echo_voice(voice)
    told = parts.pronouncing(spoken)
    result: dict[str, Any] = {
        "heteronyms": measured.told_apart([*measured.heteronyms()], told, wrong=wrong)
    }
    unseen = measured.unseen_names(job.limit or measured.NAMES, job.seed)
    said = measured.sentences(job.limit, job.seed)
    words = sorted({word.strip(".,?!") for text in said for word in text.split()})
    words = [word for word in words if word.isalpha()]
    label = parts.piper().symbols

    def error(words: list[str]) -> float:
        return measured.sound_error(
            words, told, lambda word: [s for row in label(word) for s in row], group
        )

    result["sound_error"] = {"unseen": round(error(unseen), 3), "unseen_names": len(unseen)}
    result["sound_error"] |= {"with_lexicon": round(error(words), 3), "words": len(words)}
    spoken.t2c.dictionary = Dictionary(spoken.t2c.inventory)
    result["sound_error"]["without_lexicon"] = round(error(words), 3)
    if speech:
        agent = parts.load(voice=voice)
        systems = paths(agent)
        if bare:
            systems["text_without_lexicon"] = speaking(Agent(agent.s2t, spoken), "text")
        states = "hidden" in systems
        bar = tqdm(said, desc="read", unit="sentence")
        replies = [read_out(agent.s2t, text, states=states) for text in bar]
        judge = recognizer(settings.load(settings.Evaluation).judge)
        result |= measured.evaluate(systems, parts.teacher(job.seed), replies, judge, job.seed)
        result.setdefault("hidden", result["text"])
    return result


@measure(app, "Stages of the voice", name="voice")
def voice_(
    job: Job,
    voice: Voice,
    stages: Annotated[
        bool, typer.Option("--stages", help="Also with each stage replaced by the teacher's.")
    ] = False,
    speech: Annotated[
        bool, typer.Option(help="Let judges listen; without, only latents are compared.")
    ] = True,
) -> Mapping[str, Any]:
    """Where words and naturalness are lost, on sentences of names. Needs no data."""
    from antiphon.evaluation.judges import judges
    from antiphon.evaluation.measures.speaking import names, voice_stages
    from antiphon.llm.vocabulary import load_vocabulary
    from antiphon.t2c.voice import trained_for
    from antiphon.training.jobs.voice.pronouncer import Speller
    from antiphon_codecs.unit.unit_codec import UnitCodec

    spoken = parts.echo_voice(voice)
    if not isinstance(codec := spoken.codec, UnitCodec):
        raise UserError(f"The stages need a voice with a unit codec: {voice} has another.")
    own = load_vocabulary((*trained_for(voice), settings.load(settings.Models).llm)[0])
    speller = Speller(own.tokenizer, own.embeddings)
    taken = voice_stages.Stages(spoken.t2c, codec, parts.piper(), speller, job.seed)
    texts, teacher = names.sentences(job.limit, job.seed), parts.teacher(job.seed)
    result: dict[str, Any] = {}
    if stages:
        result["latent"] = voice_stages.latent_errors(texts, taken, job.seed)
    if speech:
        result |= voice_stages.evaluate(
            texts,
            taken,
            teacher,
            judges(),
            voice_stages.STAGES if stages else voice_stages.STAGES[-1:],
            job.seed,
        )
    return result


@measure(app, "Units")
def units(job: Job, voice: Voice) -> Mapping[str, Any]:
    """Unit words against raw units."""
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.speaking.unit_language import evaluate
    from antiphon_codecs.unit.unit_codec import UnitCodec

    sentences = material.sentences(job.data, job.limit or REPLIES, job.seed)
    spoken = parts.echo_voice(voice)
    if not isinstance(codec := spoken.codec, UnitCodec):
        raise UserError(f"Unit words need a voice with a unit codec: {voice} has another.")
    recognize = recognizer(settings.load(settings.Evaluation).judge)
    return evaluate(sentences, parts.teacher_latent(), codec, spoken.t2c.language, recognize)


@measure(app, "Ears")
def ears(
    job: Job,
    noise: Annotated[float | None, typer.Option(help="Noise, so many dB below speech.")] = None,
    level: Annotated[float | None, typer.Option(help="Peak of recordings in dBFS.")] = None,
    questions: Annotated[
        bool, typer.Option("--questions", help="Questions by unknown voices instead of people.")
    ] = False,
) -> Mapping[str, Any]:
    """Word errors on human speech, compared with Whisper. --limit counts in each collection.

    With --questions it counts all of them.
    """
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.listening import hearing
    from antiphon.recognition.recognizer import from_pretrained, transcribe

    change = material.changed(job.data, noise, level, job.seed)
    if questions:
        asked = material.questions(job.data, job.limit or QUESTIONS, job.seed)
        texts = [question.text for question in asked]
        said = hearing.spoken(texts, parts.unknown_voices(), change)
    else:
        said = hearing.recorded(
            material.clips(job.data, job.limit or recognition_measures.RECORDINGS), change
        )
    name = settings.load(settings.Models).recognizer
    decoder = from_pretrained(name)
    ways: dict[str, Callable[[Pcm], str]] = {
        "ctc": parts.listen("s2t").transcribe,
        "decoder": lambda pcm: transcribe(decoder, pcm).text,
        "whisper": recognizer(name),
    }
    return hearing.evaluate(said, ways)


@measure(app, "Silence")
def silence(job: Job) -> Mapping[str, Any]:
    """Sounds without speech that are answered, and speech that is not heard."""
    from antiphon.evaluation import material, speechless
    from antiphon.evaluation.measures.listening.silence import evaluate

    s2t = parts.listen(settings.load(settings.Models).ears)
    clips = material.clips(job.data, job.limit or recognition_measures.RECORDINGS)
    return evaluate(
        islice(speechless.sounds(job.data, job.seed), job.limit),
        ((clip.part, audio_file.read(clip.path)) for clip in clips),
        lambda pcm: s2t.hear(pcm).finish().doubt,
    )


@measure(app, "Questions answered, in percent")
def qa(job: Job, voice: Voice, llm: LanguageModel) -> Mapping[str, Any]:
    """Right answers to spoken questions, compared with the same questions in writing."""
    from antiphon.evaluation import material
    from antiphon.evaluation.judges import recognizer
    from antiphon.evaluation.measures.question_answering import evaluate

    questions = material.questions(job.data, job.limit, job.seed)
    speakers = list(parts.unknown_voices().values())
    judge = recognizer(settings.load(settings.Evaluation).judge)
    agent = parts.load(voice=voice, llm=llm)
    cascade = parts.cascaded(agent)
    heard = parts.asked(agent, judge, by_sound=True)
    ways: dict[str, Way] = {
        "text": parts.asked(agent, judge, by_sound=False),
        "s2t": heard,
        "cascade": heard if cascade is agent else parts.asked(cascade, judge, by_sound=True),
    }
    return evaluate(questions, speakers, ways)


@measure(app, "Ablation")
def ablation(job: Job, voice: Voice) -> Mapping[str, Any]:
    """The voice with parts of the echo taken away, streaming and on whole replies.

    The language model is the one that the voice was trained with, for its echo is of that.
    """
    from antiphon import weights
    from antiphon.evaluation.judges import judges
    from antiphon.evaluation.measures.speaking.ablation import evaluate, variants

    kinds = variants(weights.assets(voice))
    agent = parts.load(voice=voice, llm=parts.teaching_model(voice))
    return evaluate(
        agent, kinds, parts.written(agent, job.data, job.limit or REPLIES, job.seed), judges()
    )


@measure(app, "Turn taking", name="turn-taking")
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

    split = "train" if train else "dev"
    material = Material.read(job.data, split, job.limit or 30, np.random.default_rng(job.seed))
    voices = parts.unknown_voices().values()
    said = [speak(text) for speak in voices for text in turn_taking.BACKCHANNELS]
    agent = [parts.aloud(text, voice) for text in turn_taking.AGENT]
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
