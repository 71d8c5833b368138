"""Which letters are heard in the states of an audio tower.

A model that was trained here hears the tokens of its language model (`heard_tokens`), of which many
are rare and were heard in few words. Letters are heard in every word, so they tell of a word that
was never heard what its tokens cannot; both are weighed (`writing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from antiphon.recognition.drax.vocabulary import plain

PART = "letters."
"""How the names of its weights begin in a checkpoint; also the setting that holds the letters."""


class Letters(nn.Module):
    """Scores letters, and the space between words, for CTC (Graves et al. 2006).

    Args:
        letters: all that there are.
        width: of a state.
    """

    blank = 0
    """The label of what says nothing."""

    def __init__(self, letters: str, width: int) -> None:
        super().__init__()
        self.letters = letters
        self._labels = {letter: label for label, letter in enumerate(letters, 1)}
        self.scores = nn.Linear(width, 1 + len(letters))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Log probabilities [..., labels] in states [..., width], float32."""
        found: torch.Tensor = self.scores(states).float().log_softmax(-1)
        return found

    def spell(self, text: str) -> list[int]:
        """Labels of a text as it is; what is no letter of these is left away."""
        return [self._labels[letter] for letter in text if letter in self._labels]

    def encode(self, text: str) -> list[int]:
        """Labels of a text as it sounds, without case and punctuation."""
        return self.spell(plain(text))

    def decode(self, labels: Sequence[int]) -> str:
        """The text of labels."""
        return "".join(self.letters[label - 1] for label in labels)

    def weights(self) -> dict[str, torch.Tensor]:
        """Its weights by their names in a checkpoint."""
        return {PART + name: value for name, value in self.state_dict().items()}


def load(letters: str, state: Mapping[str, torch.Tensor]) -> Letters:
    """The letters of a checkpoint.

    Args:
        letters: all that there are.
        state: its weights, by names that begin with `PART`.

    Raises:
        ValueError: The weights are those of other letters.
    """
    own = {name.removeprefix(PART): value for name, value in state.items()}
    width = own["scores.weight"].shape[-1] if "scores.weight" in own else 1
    found = Letters(letters, width)
    try:
        found.load_state_dict(own)
    except RuntimeError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return found.float().eval().requires_grad_(False)
