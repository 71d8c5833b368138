"""How likely Whisper would say each of several texts."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from antiphon.recognition.whisper.decoding import DecoderState, Request
from antiphon.recognition.whisper.text_decoder import TextDecoder


@torch.no_grad()
def log_likelihoods(
    decoder: TextDecoder,
    audio: torch.Tensor,
    texts: Sequence[Sequence[int]],
    behind: DecoderState | None = None,
    request: Request | None = None,
    *,
    ended: bool = True,
) -> list[float]:
    """Log-likelihoods of texts in a window's encoder states [S, width], read in one pass.

    Args:
        decoder: Whisper's.
        audio: the window.
        texts: tokens of each, as many as the decoder has room for.
        behind: see `TextDecoder.start`.
        request: see `TextDecoder.prompt_in`.
        ended: whether nothing is said behind the text.
    """
    prompt = decoder.prompt_in(request)
    given = [torch.tensor([*prompt, *text]) for text in texts]
    padded = torch.nn.utils.rnn.pad_sequence(given, batch_first=True, padding_value=decoder.end)
    states, _, _ = decoder.step(padded, decoder.start(audio[None], behind))
    # What follows the same tokens is computed once: this takes longer than all before it.
    first: dict[tuple[int, ...], tuple[int, int]] = {}
    for row, text in enumerate(texts):
        for at in range(len(text) + ended):
            first.setdefault(tuple(text[:at]), (row, len(prompt) - 1 + at))
    places = torch.tensor(list(first.values()), dtype=torch.long).view(-1, 2)
    logits = F.linear(states[places[:, 0], places[:, 1]], decoder.embed_tokens.weight)
    follows = dict(zip(first, logits - logits.logsumexp(-1, keepdim=True), strict=True))
    found = []
    for text in texts:
        wanted = [*text, decoder.end][: len(text) + ended]
        found.append(sum(float(follows[tuple(text[:i])][token]) for i, token in enumerate(wanted)))
    return found
