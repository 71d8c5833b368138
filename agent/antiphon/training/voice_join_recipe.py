"""The recipe of a join: how a finished voice learns to speak for another language model.

Jobs in order: `corpus`, `train`. Each resumes where it was stopped. The voice stays as it is.
"""

from __future__ import annotations

import logging
import pickle
import random
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import nn

from antiphon import weights
from antiphon.errors import UserError
from antiphon.llm.language_model import Vocabulary
from antiphon.messages import Segment
from antiphon.s2t.speech_to_text import SpeechToText
from antiphon.t2c.denoising_adapter import DenoisingAdapter
from antiphon.t2c.text_to_codec import TextToCodec
from antiphon.t2c.voice import load_generator, trained_for
from antiphon.t2c.voice_join import JoinConfig, VoiceJoin, save_join
from antiphon.training.corpora.hearing import agent_replies
from antiphon.training.corpora.voice import texts
from antiphon.training.corpora.voice.own_replies import OwnReply
from antiphon.training.corpora.voice.pseudo_units import EchoExample, pseudo
from antiphon.training.corpora.voice.spoken_replies import written
from antiphon.training.jobs.voice import echo_training

log = logging.getLogger(__name__)
INNER = 512
"""Width between the layers of a join: two megabytes for 1,536 features."""


@dataclass
class VoiceJoinRecipe:
    """One voice and one language model being joined.

    Attributes:
        data: folder of the open collections (docs/data.md).
        work: folder of corpora and checkpoints.
        out: folder of the finished join.
        llm: any language model that shows hidden states.
        voice: any EchoX voice that was not trained for it.
        seed: of everything.

    Raises:
        UserError: The voice needs no join.
    """

    data: Path
    work: Path
    out: Path
    llm: str
    voice: str
    seed: int = 1

    def __post_init__(self) -> None:
        own = trained_for(self.voice)
        if not own:
            raise UserError(f"{self.voice} is no EchoX voice: it cannot be joined.")
        if self.llm in own:
            raise UserError(
                f"{self.voice} was trained for {self.llm} itself and needs no join: leave --llm "
                "away to train its own adapter."
            )

    @cached_property
    def generator(self) -> tuple[Vocabulary, TextToCodec]:
        """The voice's own vocabulary, and its generator, frozen."""
        return load_generator(weights.assets(self.voice))

    def corpus(self, count: int, minutes: float | None) -> bool:
        """Let the language model answer training questions; returns whether all are answered."""
        asked = [question for question, _ in (*texts.questions(self.data), *written())]
        asked = list(dict.fromkeys(asked))
        random.Random(self.seed).shuffle(asked)
        if not agent_replies.missing(asked[:count], self.work / "replies"):
            return True
        s2t = SpeechToText.from_pretrained(self.llm, ears="cascade")
        return agent_replies.build(s2t, asked[:count], self.work / "replies", minutes)

    def train(self, steps: int, minutes: float | None) -> None:
        """Stage III: learn what hidden states add to the embeddings of the voice's tokens."""
        own, model = self.generator
        examples = self.examples()
        hidden, width = examples[0].hidden.shape[1], own.embeddings.shape[1]
        task = echo_training.JoinEcho(model, examples, new_adapter(hidden, width, self.seed))
        log.info("Held out, from text: %s", figures(task))
        folder = self.work / "echo"
        echo_training.train(task, folder, steps=steps, minutes=minutes, seed=self.seed)
        log.info("Held out, from hidden states: %s", figures(task))
        save_join(task.denoiser.eval(), JoinConfig(self.voice, self.llm), self.out)

    def examples(self) -> list[EchoExample]:
        """Sentences of the replies in tokens of the voice, as it says them from their text."""
        cache, replies_folder = self.work / "echo.pkl", self.work / "replies"
        newest = max((path.stat().st_mtime for path in replies_folder.glob("*.pt")), default=0.0)
        if not cache.exists() or cache.stat().st_mtime < newest:
            own, model = self.generator
            join = VoiceJoin(own)
            replies = agent_replies.read(replies_folder)
            told = [OwnReply([], join.respelled(Segment(reply, True))) for reply in replies]
            spoken = pseudo(model.eval(), [reply for reply in told if reply.tokens], whole=True)
            part = cache.with_suffix(".part")
            part.write_bytes(pickle.dumps(spoken))
            part.replace(cache)
        examples: list[EchoExample] = pickle.loads(cache.read_bytes())
        if not examples:
            raise UserError(f"{self.llm} wrote no replies that could be spoken: choose another.")
        random.Random(self.seed).shuffle(examples)
        return examples


def new_adapter(hidden: int, width: int, seed: int) -> DenoisingAdapter:
    """An adapter that adds nothing yet."""
    torch.manual_seed(seed)
    adapter = DenoisingAdapter(hidden, INNER, out=width)
    for parameter in adapter[3].parameters():
        nn.init.zeros_(parameter)
    return adapter


@torch.no_grad()
def figures(task: echo_training.Echo) -> str:
    """Held-out figures in a line."""
    task.eval()
    return ", ".join(f"{name} {value:.3f}" for name, value in task.held_out().items())
