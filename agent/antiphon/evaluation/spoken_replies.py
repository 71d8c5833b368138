"""What the systems under evaluation say, as sound the judges can hear."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from tqdm import tqdm

from antiphon.agent import Agent
from antiphon.errors import UserError
from antiphon.evaluation.judges import Pcm, at_judges_rate
from antiphon.llm.text_model import TextModel
from antiphon.messages import Token
from antiphon.settings import Source
from antiphon.t2c.spelling import text_tokens
from antiphon.t2c.trigger import Trigger
from antiphon.t2c.voice import EchoVoice

if TYPE_CHECKING:
    from antiphon.s2t.speech_to_text import SpeechToText

Reply = tuple[Token, ...]
"""What the language model wrote, with its predictor states."""
System = Callable[[Reply], Pcm]
"""Speaks a reply, at the judges' rate."""


def text_of(reply: Reply) -> str:
    """What was written."""
    return "".join(token.text for token in reply).strip()


def speaking(agent: Agent, source: Source, trigger: Trigger | None = None) -> System:
    """The agent's voice, driven by hidden states or by the text."""
    cut = (trigger or agent.trigger).cut

    def speak(reply: Reply) -> Pcm:
        pieces = [piece.pcm for piece in agent.speak(cut(reply), source=source)]
        sound = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return at_judges_rate(sound, agent.voice.sample_rate)

    return speak


def paths(agent: Agent) -> dict[str, System]:
    """What drives the voice: "hidden" and "text", or "text" alone where states change nothing."""
    alike = isinstance(agent.voice, EchoVoice) and not agent.voice.reads_states
    sources: tuple[Source, ...] = ("text",) if alike else ("hidden", "text")
    return {source: speaking(agent, source) for source in sources}


def replies(
    s2t: SpeechToText, prompts: Sequence[str], folder: Path, *, max_tokens: int = 160
) -> list[Reply]:
    """The language model's own replies to written prompts.

    Args:
        s2t: whose language model answers.
        prompts: what it is asked.
        folder: keeps replies for the next run with the same model, style and prompts.
        max_tokens: longest reply.

    Raises:
        UserError: The language model shows no hidden states.
    """
    if isinstance(s2t.llm, TextModel):
        raise UserError(
            f"{s2t.llm.name} shows no hidden states, by which replies are measured: choose a "
            "language model that is no server's with --llm."
        )
    opening, _ = s2t.prompt()
    key = fingerprint(s2t.llm.weights(), [*prompts, str(max_tokens), str(opening)])
    path = folder / f"replies-{key}.pt"
    if path.exists():
        return [restore(row) for row in torch.load(path, weights_only=True)]
    found = [
        tuple(s2t.reply(prompt, max_tokens=max_tokens))
        for prompt in tqdm(prompts, desc="replies", unit="reply")
    ]
    found = [reply for reply in found if text_of(reply)]
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save([keep(reply) for reply in found], part)
    part.replace(path)
    return found


def read_out(s2t: SpeechToText, text: str, *, states: bool = True) -> Reply:
    """A given text as the language model writes it when it is asked to, token by token.

    Args:
        s2t: whose language model writes.
        text: what it writes.
        states: with its hidden states; without them nothing is computed.

    Raises:
        UserError: The language model shows no hidden states.
    """
    if isinstance(s2t.llm, TextModel):
        raise UserError(f"{s2t.llm.name} shows no hidden states: choose another with --llm.")
    if not states:
        return tuple(text_tokens(text, s2t.llm))
    before, after = s2t.prompt()
    tokenizer = s2t.llm.tokenizer
    asked: list[int] = tokenizer(f"Please say: {text}", add_special_tokens=False)["input_ids"]
    *prompt, last = [*before, *asked, *after]
    hidden, _, cache = s2t.llm.write(last, s2t.llm.start(prompt))
    tokens = []
    for token in text_tokens(text, s2t.llm):
        tokens.append(replace(token, hidden=hidden.float()))
        hidden, _, cache = s2t.llm.write(token.id, cache)
    return tuple(tokens)


def keep(reply: Reply) -> dict[str, Any]:
    """A reply as plain values and one tensor [T, H]."""
    return {
        "ids": [token.id for token in reply],
        "texts": [token.text for token in reply],
        "hidden": torch.stack([token.hidden.float().cpu() for token in reply]),
    }


def restore(row: dict[str, Any]) -> Reply:
    """What `keep` took apart."""
    parts = zip(row["ids"], row["texts"], row["hidden"], strict=True)
    return tuple(Token(id_, text, hidden) for id_, text, hidden in parts)


def fingerprint(weights: Mapping[str, torch.Tensor], words: Sequence[str]) -> str:
    """Changes with any weight of a model and with any of the words."""
    digest = hashlib.sha256("\n".join(words).encode())
    for name, weight in sorted(weights.items()):
        digest.update(f"{name} {weight.double().sum().item():.10e}".encode())
    return digest.hexdigest()[:16]
