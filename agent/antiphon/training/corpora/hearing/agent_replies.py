"""Replies of the agent's language model, as it writes them in a conversation, with their states.

Unlike `own_replies` this asks the model the agent answers with: packed in few bits on a processor,
after the prompt the agent gives it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from antiphon.errors import UserError
from antiphon.llm.text_model import TextModel
from antiphon.messages import Token
from antiphon.s2t.speech_to_text import SpeechToText

SHARD = 16
"""Replies of a file: what is lost at most when a run is cut."""
MAX_TOKENS = 64
"""Longest reply."""


def build(
    s2t: SpeechToText, questions: Sequence[str], out: Path, minutes: float | None = None
) -> bool:
    """Let a language model answer written questions; continues where it was cut.

    Args:
        s2t: whose language model answers, greedily.
        questions: each is answered by itself.
        out: folder of the replies.
        minutes: stop after this long.

    Returns:
        Whether all are answered.

    Raises:
        UserError: The language model shows no hidden states.
    """
    if isinstance(s2t.llm, TextModel):
        raise UserError(
            f"{s2t.llm.name} shows no hidden states to learn from: its replies are spoken from "
            "their text, for which nothing has to be trained."
        )
    out.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * (minutes if minutes is not None else float("inf"))
    left = missing(questions, out)
    done = len(questions) - sum(map(len, left.values()))
    with tqdm(total=len(questions), initial=done, desc="replies", unit="reply") as bar:
        for path, asked in left.items():
            if time.monotonic() > deadline:
                return False
            write(path, [tuple(s2t.reply(text, max_tokens=MAX_TOKENS)) for text in asked])
            bar.update(len(asked))
    return True


def missing(questions: Sequence[str], out: Path) -> dict[Path, Sequence[str]]:
    """The files that are still to be written, each with its questions."""
    starts = range(0, len(questions), SHARD)
    files = {out / f"{i // SHARD:05d}.pt": questions[i : i + SHARD] for i in starts}
    return {path: asked for path, asked in files.items() if not path.exists()}


def write(path: Path, replies: Sequence[Sequence[Token]]) -> None:
    """Keep replies in one file, atomically; those of no words are left out."""
    rows = [
        {
            "ids": [token.id for token in reply],
            "texts": [token.text for token in reply],
            "hidden": torch.stack([token.hidden for token in reply]).half(),
        }
        for reply in replies
        if "".join(token.text for token in reply).strip()
    ]
    part = path.with_suffix(".part")
    torch.save(rows, part)
    part.replace(path)


def read(folder: Path) -> list[tuple[Token, ...]]:
    """All replies of a folder; their states are float32."""
    rows = [row for p in sorted(folder.glob("*.pt")) for row in torch.load(p, weights_only=True)]
    return [tuple(map(Token, row["ids"], row["texts"], row["hidden"].float())) for row in rows]
