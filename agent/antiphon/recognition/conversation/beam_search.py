"""Beam search: the likeliest texts of a window, by Whisper's decoder alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from antiphon.recognition.whisper.decoding import DecoderState, Request
from antiphon.recognition.whisper.text_decoder import TextDecoder

Text = tuple[tuple[int, ...], float]
"""Tokens without the end mark, and their log-likelihood with it."""
NONE: Text = (), -math.inf


@torch.no_grad()
def likeliest(
    decoder: TextDecoder,
    audio: torch.Tensor,
    width: int,
    letters: Callable[[int], str],
    *,
    sure: Sequence[int] = (),
    behind: DecoderState | None = None,
    request: Request | None = None,
) -> list[Text]:
    """The likeliest texts of a window's encoder states [S, width], the best first.

    Of texts of the same letters only the likeliest is followed: Whisper is more often in doubt
    about capitals and marks than about words.

    Args:
        decoder: Whisper's.
        audio: the window.
        width: how many texts are followed, and given at most.
        letters: of a token.
        sure: how all of them begin; its likelihood is not counted.
        behind: see `TextDecoder.start`.
        request: language and context.
    """
    states, _, state, _ = decoder.ask(decoder.start(audio[None], behind), request, sure)
    texts, totals = [tuple(sure)], [0.0]
    spelled = [""]
    ended: dict[str, Text] = {}
    for _ in range(decoder.limit(len(audio)) - len(sure)):
        logits = decoder.logits(states[:, -1]) + decoder.allowed
        scores = torch.tensor(totals)[:, None] + logits.log_softmax(-1)
        best, places = scores.flatten().topk(min(4 * width, scores.numel()))
        alive: dict[str, tuple[int, int, float]] = {}
        for total, place in zip(best.tolist(), places.tolist(), strict=True):
            row, token = divmod(place, scores.shape[1])
            if token == decoder.end:
                if total > ended.get(spelled[row], NONE)[1]:
                    ended[spelled[row]] = (texts[row], total)
            elif len(alive) < width:
                alive.setdefault(spelled[row] + letters(token), (row, token, total))
        found = sorted(ended.values(), key=lambda text: -text[1])[:width]
        if not alive or (len(found) == width and found[-1][1] > max(t for *_, t in alive.values())):
            break
        rows, tokens, totals = map(list, zip(*alive.values(), strict=True))
        texts = [(*texts[row], token) for row, token in zip(rows, tokens, strict=True)]
        spelled = list(alive)
        kept = tuple((key[rows], value[rows]) for key, value in state.text)
        states, _, state = decoder.step(
            torch.tensor(tokens)[:, None], DecoderState(state.audio, kept)
        )
    return sorted(ended.values(), key=lambda text: -text[1])[:width]
