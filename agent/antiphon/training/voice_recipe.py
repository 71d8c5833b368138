"""The recipe of a voice up to stage II: where every job reads from and writes to.

Jobs in order: `latents`, `codec`, `student`, `language`, `pronouncer`, `t2c`; then `echo_recipe`.
Each continues where it was stopped and writes what it has learned into the voice's folder.
"""

from __future__ import annotations

import json
import math
import pickle
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch

from antiphon import settings, weights
from antiphon.errors import UserError
from antiphon.recognition.whisper.audio_encoder import AudioEncoder
from antiphon.t2c.phonemes import PhonemeInventory
from antiphon.t2c.text_to_codec import T2CConfig, TextToCodec
from antiphon.training.corpora.hearing.augmentation import Augment
from antiphon.training.corpora.voice import teacher_latents, texts, word_lists
from antiphon.training.corpora.voice.teacher import RATE, Teacher
from antiphon.training.corpora.voice.teacher_latents import Corpus
from antiphon.training.jobs.voice import lexicon, pronouncer, student_encoder, unit_lm
from antiphon.training.jobs.voice import unit_codec as codec_job
from antiphon.training.loop import load
from antiphon.training.s2t_recipe import own_language_model
from antiphon_codecs.unit.unit_codec import UnitCodec, UnitCodecConfig
from antiphon_codecs.unit_language.unit_language import UnitLanguage

CODEC, UNIT_LANGUAGE = "codec.safetensors", "unit_language.safetensors"
GENERATOR, LEXICON = "t2c.safetensors", "lexicon.marisa"
RECALLED_TOKENS = 8
"""Tokens the denoising adapter recalls, where output and input embeddings are the same."""
NOISE_SENTENCES = 400
"""Sentences by which the teacher's noise is measured."""
RUNNING_TEXT = 150_000
"""Sentences the pronouncer reads."""


@dataclass
class VoiceRecipe:
    """One voice being made.

    Attributes:
        data: folder of the open collections (docs/data.md).
        work: folder of corpora and checkpoints.
        out: folder of the finished voice.
        lexicon: word list, one a line; Debian's `wamerican` brings /usr/share/dict/words.
        llm: the language model whose tokens and hidden states drive the voice.
        seed: of everything.
        piper: the teacher's ONNX file; None: that of the settings.
        shift: see `Teacher`.
        like: folder of a finished voice of the same phonemizer. Its sounds and their pronouncer
            serve again, and codec, lengths and denoising adapter begin with its own.
    """

    data: Path
    work: Path
    out: Path
    lexicon: Path = Path("/usr/share/dict/words")
    llm: str = field(default_factory=own_language_model)
    seed: int = 1
    piper: Path | None = None
    shift: float = 1.0
    like: Path | None = None

    # -- what the jobs share ----------------------------------------------------------------------

    @cached_property
    def voice_file(self) -> Path:
        """The teacher's ONNX file."""
        if self.piper is not None:
            return self.piper
        folder = weights.path(settings.load(settings.Training).teacher)
        if (found := next(folder.glob("*.onnx"), None)) is None:
            raise UserError(f"There is no Piper voice (*.onnx) in {folder}.")
        return found

    @cached_property
    def teacher(self) -> Teacher:
        """The teacher."""
        self.work.mkdir(parents=True, exist_ok=True)
        return Teacher(self.voice_file, self.work, shift=self.shift)

    @cached_property
    def words(self) -> list[str]:
        """The lexicon's words that are made of letters."""
        if not self.lexicon.exists():
            raise UserError(f"{self.lexicon} is missing: install the Debian package wamerican")
        found = self.lexicon.read_text(encoding="utf-8").split()
        return [w for w in found if w.isascii() and w.replace("'", "").isalpha()]

    @cached_property
    def speller(self) -> pronouncer.Speller:
        """The language model's tokenizer and embeddings."""
        from safetensors import safe_open
        from transformers import AutoTokenizer

        folder = weights.path(self.llm)
        with safe_open(folder / "model.safetensors", "pt") as file:
            table = file.get_tensor("model.embed_tokens.weight")
        return pronouncer.Speller(AutoTokenizer.from_pretrained(folder), table)

    @cached_property
    def inventory(self) -> PhonemeInventory:
        """The sounds of the voice, found once in running text and all words."""
        path = self.work / "inventory.json"
        if not path.exists():
            read = [*texts.sentences(self.data, 30_000, self.seed), *self.words]
            found = PhonemeInventory.of(
                (pronouncer.sounds_of(self.teacher, t) for t in read), least=10
            )
            path.write_text(json.dumps(found.sounds, ensure_ascii=False))
        return PhonemeInventory(tuple(json.loads(path.read_text())))

    def language(self) -> UnitLanguage:
        """The finished unit language."""
        return UnitLanguage.load(self.out / UNIT_LANGUAGE)

    def examples_file(self) -> Path:
        """Where what the generator learns from is kept; another codec makes others of the same."""
        made_by = 0
        for name in (CODEC, UNIT_LANGUAGE):
            made_by = zlib.crc32((self.out / name).read_bytes(), made_by)
        return self.work / f"examples-{made_by:08x}.pkl"

    def new_model(self) -> TextToCodec:
        """A generator that is untrained, or knows what the voice it is like lends it."""
        torch.manual_seed(self.seed)
        table = self.speller.embeddings
        if self.like is not None:
            language = UnitLanguage.load(self.like / UNIT_LANGUAGE)
            known = TextToCodec.load(self.like / GENERATOR, language, table)
            model = TextToCodec(known.config, self.language(), table)
            for part in ("pronouncer", "voice", "denoiser"):
                getattr(model, part).load_state_dict(getattr(known, part).state_dict())
            return model
        hidden = table.shape[1]
        inner = json.loads((weights.path(self.llm) / "config.json").read_text())
        recall = RECALLED_TOKENS if inner.get("tie_word_embeddings") else 0
        config = T2CConfig(hidden, inner["intermediate_size"], self.inventory.sounds, recall=recall)
        return TextToCodec(config, self.language(), table)

    # -- the jobs ---------------------------------------------------------------------------------

    def make_latents(self, count: int, minutes: float | None) -> bool:
        """Let the teacher speak `count` sentences."""
        chosen = texts.sentences(self.data, count, self.seed, self.lexicon)
        return teacher_latents.make(
            self.teacher, chosen, self.work / "latents", seed=self.seed, minutes=minutes
        )

    def train_codec(self, steps: int, minutes: float | None, hours: float = 5.0) -> bool:
        """Train the codec on the first hours of latents; returns whether it has come to its end."""
        corpus = Corpus.load(self.work / "latents")
        enough = max(1, round(len(corpus) * min(1.0, hours / corpus.hours)))
        corpus.latents = corpus.latents[:enough]
        codec, done = codec_job.train(
            corpus,
            self.voice_file,
            self.work / "codec",
            config=UnitCodecConfig(sample_rate=round(RATE * self.shift)),
            steps=steps,
            minutes=minutes,
            seed=self.seed,
            start=UnitCodec.load(self.like / CODEC) if self.like else None,
        )
        codec_job.add_noise(
            codec, self.teacher, texts.sentences(self.data, NOISE_SENTENCES, self.seed)
        )
        self.out.mkdir(parents=True, exist_ok=True)
        codec.save(self.out / CODEC)
        return done

    def train_student(self, steps: int, minutes: float | None, hours: float = 0.75) -> None:
        """Teach the finished codec to hear: sound to units, with the units it already has."""
        codec = UnitCodec.load(self.out / CODEC)
        cache = self.work / "pairs.npz"
        if not cache.exists():
            spoken = Corpus.load(self.work / "latents", limit=math.ceil(3 * hours)).latents
            student_encoder.make_pairs(codec, spoken, hours, seed=self.seed).save(cache)
        taught = student_encoder.train(
            codec,
            student_encoder.Pairs.load(cache),
            Augment(self.data),
            AudioEncoder.load(weights.path(settings.load(settings.Models).recognizer)).whole,
            self.work / "student",
            steps=steps,
            minutes=minutes,
            seed=self.seed,
        )
        taught.save(self.out / CODEC)

    def train_language(self, vocabulary: int = 8192, longest: int = 8) -> float:
        """Build the unit language; returns raw units a word on the last 300 sentences."""
        from tqdm import tqdm

        codec = UnitCodec.load(self.out / CODEC)
        corpus = Corpus.load(self.work / "latents")
        rows = tqdm(corpus.latents, desc="encode", unit="sentence")
        units = [codec.encode_latent(torch.from_numpy(z)) for z in rows]
        language = UnitLanguage.train(units[:-300], codec.n_units, vocabulary, longest)
        language.save(self.out / UNIT_LANGUAGE)
        words = language.encode_many(units[-300:])
        return sum(map(len, units[-300:])) / sum(map(len, words))

    def train_pronouncer(self, steps: int, minutes: float | None, *, further: bool = False) -> bool:
        """Train the pronouncer on running text; returns whether it has come to its end.

        Args:
            steps: length of the run.
            minutes: stop after this long.
            further: go on with the finished voice's, on the names and words of open lists, and
                put it back there.
        """
        read = texts.sentences(self.data, RUNNING_TEXT, self.seed + 6)
        folder = self.work / ("pronouncer-further" if further else "pronouncer")
        if not further:
            model = pronouncer.new_pronouncer(
                self.inventory, self.speller.embeddings.shape[1], seed=self.seed
            )
            task = pronouncer.Pronunciation(
                model, self.inventory, self.teacher, self.speller, read, self.words
            )
            return pronouncer.train(task, folder, steps=steps, minutes=minutes, seed=self.seed)
        voice = self.finished_model()
        task = pronouncer.Pronunciation(
            voice.pronouncer,
            voice.inventory,
            self.teacher,
            self.speller,
            read,
            word_lists.words(),
            word_lists.names(),
            pronouncer.NAMES_SHARE,
        )
        done = pronouncer.train(task, folder, steps=steps, minutes=minutes, seed=self.seed)
        voice.save(self.out / GENERATOR)
        return done

    def make_lexicon(self) -> int:
        """Write the voice's lexicon; returns the number of its words."""
        inventory = PhonemeInventory(TextToCodec.read_config(self.out / GENERATOR).sounds)
        return lexicon.make(self.teacher, inventory, self.out / LEXICON)

    def finished_model(self) -> TextToCodec:
        """The generator as the last job left it."""
        path = self.out / GENERATOR
        if not path.exists():
            raise UserError(f"{path} is missing: run `antiphon train t2c` first")
        model = TextToCodec.load(path, self.language(), self.speller.embeddings)
        return model.requires_grad_(True)

    def train_t2c(self, steps: int, minutes: float | None, *, further: bool = False) -> bool:
        """Stage II: train voice and unit LM; the pronouncer is taken as it stands.

        Args:
            steps: length of the run.
            minutes: stop after this long.
            further: begin with the finished generator, not from nothing.

        Returns:
            Whether it has come to its end.
        """
        if further:
            model = self.finished_model()
        else:
            model = self.new_model()
            if self.like is None:
                load(self.work / "pronouncer", model)
        cache = self.examples_file()
        if not cache.exists():
            symbols = {v: k for k, v in self.teacher.ids.items()}
            examples = unit_lm.prepare(
                Corpus.load(self.work / "latents"),
                symbols,
                UnitCodec.load(self.out / CODEC),
                self.language(),
                model.eval(),
                self.speller,
            )
            cache.write_bytes(pickle.dumps(examples))
        examples = pickle.loads(cache.read_bytes())
        task = unit_lm.Speaking(model, examples)
        folder = self.work / ("t2c-further" if further else "t2c")
        lr = unit_lm.RATE / 2 if further else unit_lm.RATE
        done = unit_lm.train(task, folder, steps=steps, minutes=minutes, seed=self.seed, lr=lr)
        model.save(self.out / GENERATOR)
        return done
