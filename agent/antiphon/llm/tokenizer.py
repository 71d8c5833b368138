"""A language model's tokenizer without the second that importing transformers takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class LightTokenizer:
    """The part of transformers' tokenizers that a conversation needs, over `tokenizers`.

    Args:
        folder: of a model, with `tokenizer.json` and `tokenizer_config.json`.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self.inner = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.inner.no_padding()
        self.inner.no_truncation()
        config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        end = config.get("eos_token")
        end = end["content"] if isinstance(end, dict) else end
        self.eos_token_id: int | None = self.inner.token_to_id(end) if end else None
        template = folder / "chat_template.jinja"
        self.chat_template: str | None = (
            template.read_text("utf-8") if template.exists() else config.get("chat_template")
        )
        self._tokens = {
            name: spelled["content"] if isinstance(spelled, dict) else spelled
            for name, spelled in config.items()
            if name.endswith("_token") and spelled
        }

    def __call__(
        self, text: str, add_special_tokens: bool = False, return_offsets_mapping: bool = False
    ) -> dict[str, list[Any]]:
        """Tokens of a text and, if wanted, the characters [start, end) each came from."""
        found = self.inner.encode(text, add_special_tokens=add_special_tokens)
        coded: dict[str, list[Any]] = {"input_ids": found.ids}
        if return_offsets_mapping:
            coded["offset_mapping"] = found.offsets
        return coded

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = False) -> str:
        """The text of tokens."""
        text: str = self.inner.decode(list(ids), skip_special_tokens=skip_special_tokens)
        return text

    def apply_chat_template(self, messages: Sequence[Mapping[str, str]], **more: Any) -> str:
        """A conversation as the model's own template writes it.

        Args:
            messages: each with role and content.
            more: what the template is told besides, such as `add_generation_prompt`.
        """
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        template = environment.from_string(self.chat_template or "")
        text: str = template.render(messages=messages, **self._tokens, **more)
        return text

    def get_vocab(self) -> dict[str, int]:
        """Every token by its spelling."""
        vocabulary: dict[str, int] = self.inner.get_vocab(with_added_tokens=True)
        return vocabulary

    def convert_ids_to_tokens(self, ids: Sequence[int]) -> list[str | None]:
        """Spellings of tokens."""
        return [self.inner.id_to_token(i) for i in ids]


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model: light if its prompts are ChatML, else transformers' own.

    Other models bring a chat template, which only transformers can fill in.
    """
    if all((folder / name).exists() for name in ("tokenizer.json", "tokenizer_config.json")):
        light = LightTokenizer(folder)
        if light.inner.token_to_id("<|im_start|>") is not None:
            return light
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)
