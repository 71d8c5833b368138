"""Asks a language model whether an utterance asks for what a tool does."""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from threading import Thread

from antiphon.llm.chat_template import encode, split_at_question
from antiphon.llm.language_model import LanguageModel
from antiphon.messages import Turn
from antiphon.tools.tool import Tool, words_of

SYSTEM = "Decide whether the user asks for what the tool does. Answer Yes or No."
QUESTION = "Tool: {tool}\nUser: {said}"
EXAMPLES = (
    ("set alarm: Sets an alarm", "wake me up at seven tomorrow", "Yes"),
    ("set alarm: Sets an alarm", "i slept so badly last night", "No"),
    ("play music: Plays a song", "how did mozart die", "No"),
    ("call person: Starts a phone call", "get my mother on the line", "Yes"),
    ("vacuum: Cleans the floor", "what does a vacuum cleaner cost", "No"),
    ("balance: Tells how much money is on the account", "am i broke", "Yes"),
    ("balance: Tells how much money is on the account", "send fifty dollars to tom", "No"),
    ("define word: Explains what a word means", "what's the meaning of ephemeral", "Yes"),
)
"""What the model has seen answered before: a small one follows examples rather than a rule."""
KEPT = 64
"""Tools of which the prompt's tokens are remembered."""


class ToolJudge:
    """Reads the odds of a yes from the first token of a language model's answer.

    Reading an utterance costs its own tokens and a few more: what comes before it is the same
    for all utterances, and the model remembers it (`LanguageModel.start`).

    Args:
        llm: any; the larger, the better it judges.
    """

    def __init__(self, llm: LanguageModel) -> None:
        self.llm = llm
        tokenizer = llm.tokenizer
        history = [
            turn
            for tool, said, answer in EXAMPLES
            for turn in (
                Turn("user", QUESTION.format(tool=tool, said=said)),
                Turn("assistant", answer),
            )
        ]
        self._before, self._after = split_at_question(tokenizer, history, SYSTEM)
        asked = json.dumps((self._before, self._after)).encode()
        self.prompt = f"{zlib.crc32(asked):08x}"
        """Tells this prompt from others."""
        self._yes, self._no = (encode(tokenizer, answer)[0] for answer in ("Yes", "No"))
        self._prompt = lru_cache(KEPT)(self._prompt_of)

    def expect(self) -> None:
        """Read in the background what every question begins with: that takes seconds, once."""
        Thread(target=self.llm.start, args=(self._before,), daemon=True).start()

    def odds(self, text: str, tool: Tool) -> float:
        """Natural log-odds that an utterance asks for what a tool does.

        Args:
            text: the utterance.
            tool: that may be meant.
        """
        llm = self.llm
        tokens = [*encode(llm.tokenizer, text), *self._after]
        _, logits, _ = llm.read(
            llm.embeddings[tokens], llm.start(self._prompt(tool.name, tool.description))
        )
        return float(logits[self._yes] - logits[self._no])

    def _prompt_of(self, name: str, description: str) -> tuple[int, ...]:
        """The tokens in front of an utterance."""
        tool = f"{words_of(name)}: {description}"
        question = encode(self.llm.tokenizer, QUESTION.format(tool=tool, said=""))
        return (*self._before, *question)
