"""The recipe of stage III: a finished voice learns to speak from the language model's states.

It continues where it was stopped and writes what it has learned into the voice's folder.
"""

from __future__ import annotations

import logging
import pickle
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from antiphon import weights
from antiphon.compute.packed_weights import packed
from antiphon.errors import UserError
from antiphon.llm import lora
from antiphon.messages import Token
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.training.corpora.voice import own_replies, texts
from antiphon.training.corpora.voice.own_replies import OwnReply
from antiphon.training.corpora.voice.pseudo_units import EchoExample, pseudo
from antiphon.training.corpora.voice.spoken_replies import trivia, written
from antiphon.training.jobs import language_model
from antiphon.training.jobs.voice import echo_training as job
from antiphon.training.voice_recipe import VoiceRecipe

log = logging.getLogger(__name__)
READ_REPLIES = 2500
"""Replies from dialogues, and as many from trivia, that the denoising adapter learns from first."""


@dataclass(frozen=True)
class EchoRecipe:
    """Echo training of one voice.

    Attributes:
        voice: its recipe up to stage II.
    """

    voice: VoiceRecipe

    @property
    def adapter_folder(self) -> Path:
        """Folder of the adapter made beside the voice, for the LoRA of its language model.

        Raises:
            UserError: There is none yet.
        """
        folder = self.voice.out.parent / "s2t"
        if not (folder / "lora.safetensors").exists():
            raise UserError(f"{folder} has no lora.safetensors: run `antiphon train s2t` first")
        return folder

    def states(self, count: int) -> tuple[list[OwnReply], list[list[Token]]]:
        """Hidden states of the language model, its LoRA merged, with the tokens they chose.

        Args:
            count: how many replies it writes itself.

        Returns:
            Its own replies to training questions, and its guesses while it reads other replies.
        """
        from transformers import AutoTokenizer

        from antiphon.llm.transformers_model import read_model

        corrections = self.adapter_folder / "lora.safetensors"
        folder, data, seed = weights.path(self.voice.llm), self.voice.data, self.voice.seed
        llm, tokenizer = read_model(folder, corrections), AutoTokenizer.from_pretrained(folder)
        asked = [question for question, _ in (*texts.questions(data), *written())]
        own = own_replies.write(llm, tokenizer, asked, count, seed)
        rng = random.Random(seed)
        read = written()
        for pool in (trivia(data), texts.exchanges(data)):
            read += rng.sample(pool, min(READ_REPLIES, len(pool)))
        return own, own_replies.guesses(llm, tokenizer, read, seed)

    def train(
        self,
        replies: int,
        steps: int,
        minutes: float | None,
        *,
        cosine: bool = True,
        generator: bool = False,
        joint: bool = False,
    ) -> None:
        """Train the denoiser on hidden states of the language model's own replies.

        All ways start from an adapter fitted to the embeddings alone. Without the denoising term
        the result is a variant for the ablation, beside the voice. Jointly, the adapter's LoRA
        beside the voice's folder is trained, too.
        """
        voice = self.voice
        model = voice.finished_model()
        cache = voice.work / "echo.pkl"
        if not cache.exists():
            own, guesses = self.states(replies)
            cache.write_bytes(pickle.dumps((guesses, pseudo(model.eval(), own))))
        guesses, examples = pickle.loads(cache.read_bytes())
        kind = "echo-joint" if joint else "echo" if cosine else "echo-without-cosine"
        folder = voice.work / kind
        if not (folder / "checkpoint.pt").exists():
            log.info("cosine after warm start: %.3f", job.warm_start(model, guesses))
            self._save_denoiser(model, "cosine-only")
        if joint:
            self._train_jointly(model, examples, folder, steps, minutes)
            return
        task = job.Echo(model, examples, cosine=cosine, generator=generator)
        job.train(task, folder, steps=steps, minutes=minutes, seed=voice.seed)
        if cosine:
            model.save(voice.out / "t2c.safetensors")
        else:
            self._save_denoiser(model, "without-cosine")

    def _train_jointly(
        self,
        model: TextToCodec,
        examples: Sequence[EchoExample],
        folder: Path,
        steps: int,
        minutes: float | None,
    ) -> None:
        voice = self.voice
        llm, tokenizer = language_model.load_llm(weights.path(voice.llm))
        corrections = language_model.upper_half(llm)
        lora.restore(corrections, self.adapter_folder / "lora.safetensors")
        exchanges = language_model.stage_one(voice.data, tokenizer)
        task = job.JointEcho(model, examples, llm, exchanges)
        job.train(task, folder, steps=steps, minutes=minutes, seed=voice.seed)
        lora.save(corrections, self.adapter_folder / "lora.safetensors")
        model.save(voice.out / "t2c.safetensors")

    def _save_denoiser(self, model: TextToCodec, name: str) -> None:
        from safetensors.torch import save_file

        state = packed(model.denoiser.state_dict())
        save_file(state, self.voice.out / f"echo-{name}.safetensors")
