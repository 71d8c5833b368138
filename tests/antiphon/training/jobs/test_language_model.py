"""Losses of the language model."""

import torch

from antiphon.training.jobs import language_model


def test_the_loss_of_a_reply_does_not_depend_on_its_neighbours(llm, tokenizer):
    texts = language_model.Texts([([("a", "b")], 1.0)], tokenizer)
    table = llm.get_input_embeddings()
    pairs = [texts.exchange("why", "so"), texts.exchange("tell me more", "no")]
    asked = [table(torch.tensor(pair.question)) for pair in pairs]
    told = [pair.reply for pair in pairs]
    both = language_model.reply_loss(llm, texts.before, texts.after, asked, told)
    alone = [
        language_model.reply_loss(llm, texts.before, texts.after, [q], [r])
        for q, r in zip(asked, told, strict=True)
    ]
    torch.testing.assert_close(both, torch.stack(alone).mean())
