import pytest
import torch

from antiphon.errors import UserError
from antiphon.llm import lora
from antiphon.llm.sentence_encoder import SentenceEncoder
from antiphon.tools import Tool
from antiphon.tools.encoder_chooser import EncoderChooser
from antiphon.tools.matcher import Matcher, normal
from antiphon.tools.tool import words_of
from antiphon.tools.toolbox import Toolbox

TEXTS = ["go home", "turn the lamp in the kitchen on, please", "hm"]


def test_the_encoder_is_that_of_transformers(tmp_path):
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=16,
    )
    theirs = BertModel(config, add_pooling_layer=False).bfloat16().eval()
    theirs.save_pretrained(tmp_path)
    ids = torch.randint(0, 50, (2, 7))
    mask = torch.arange(7) < torch.tensor([[7], [4]])
    with torch.no_grad():
        wanted = theirs(input_ids=ids, attention_mask=mask.long())[0]
        found = SentenceEncoder.load(tmp_path)(ids, mask)
    torch.testing.assert_close(found[mask].float(), wanted[mask].float(), atol=4e-2, rtol=4e-2)


def test_company_changes_nothing(reader):
    together = reader.read(TEXTS)
    for row, text in enumerate(TEXTS):
        alone = reader.read([text])
        count = int(alone.mask.sum())
        torch.testing.assert_close(together.states[row, :count], alone.states[0])
        torch.testing.assert_close(together.whole[row], alone.whole[0])
        assert int(together.mask[row].sum()) == count


def test_pairs_are_judged_alike_in_any_order(reader):
    read = reader.read(TEXTS)
    which, asked = torch.tensor([0, 1, 2, 1]), torch.tensor([1, 0, 2, 1])
    scores, edges = reader.compare(read, read, which, asked)
    for pair in range(4):
        one, its = reader.compare(read, read, which[[pair]], asked[[pair]])
        torch.testing.assert_close(scores[[pair]], one)
        torch.testing.assert_close(edges[[pair]], its)


def test_tools_are_scored_alike_in_any_company(reader):
    read = reader.read(TEXTS)
    scores = reader.match(read, read)
    for row, text in enumerate(TEXTS):
        for column, other in enumerate(TEXTS):
            alone = reader.match(reader.read([text]), reader.read([other]))
            torch.testing.assert_close(scores[row, column], alone[0, 0], atol=1e-3, rtol=1e-3)


def test_a_text_is_most_like_itself(reader):
    scores = reader.match(reader.read(TEXTS), reader.read(TEXTS))
    assert scores.argmax(1).tolist() == [0, 1, 2]


def test_capitals_and_closing_marks_do_not_matter(reader):
    shouted, plain = reader.read(["Go HOME!"]), reader.read(["go home"])
    torch.testing.assert_close(shouted.states, plain.states)


def test_offsets_point_at_the_characters(reader):
    text = "İst the lamp on?"
    for start, end in reader.tokens(text)[1]:
        assert 0 <= start <= end <= len(normal(text))


def test_what_was_learned_is_kept(reader, tmp_path, monkeypatch):
    folder = encoder_folder(tmp_path, reader.body)
    monkeypatch.setattr("antiphon.tools.matcher.load_tokenizer", lambda _: reader.tokenizer)
    corrections = lora.attach(reader.body, rank=2, alpha=4, first=1)
    for correction in corrections.values():
        torch.nn.init.normal_(correction.up, std=0.1)
    reader.save(tmp_path / "reader.safetensors")
    found = Matcher.load(tmp_path / "reader.safetensors", folder)
    torch.testing.assert_close(found.read(TEXTS).whole, reader.read(TEXTS).whole, atol=0.05, rtol=0)
    torch.testing.assert_close(found.others, reader.others, atol=1e-3, rtol=0)
    assert found.config == reader.config


def encoder_folder(path, encoder):
    """What `SentenceEncoder.load` reads; names of ours are known to it, too."""
    import json

    from safetensors.torch import save_file

    from .conftest import CONFIG

    folder = path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file(encoder.state_dict(), folder / "model.safetensors")
    return folder


def test_a_high_threshold_means_no_call(reader):
    tools = [Tool("go_home", "Go home."), Tool("stop", "Stop.")]
    assert Toolbox(tools, EncoderChooser(reader, float("inf"))).decide("go home") is None
    call = Toolbox(tools, EncoderChooser(reader, float("-inf"))).decide("go home")
    assert call is not None
    assert call.name in ("go_home", "stop")


@pytest.mark.parametrize("text", ["", "  ", "?!", "word " * 100])
def test_what_is_no_command_is_no_call(chooser, text):
    assert Toolbox([Tool("stop", "Stop.")], chooser).decide(text) is None


def test_without_tools_nothing_is_called(chooser):
    assert Toolbox([], chooser).decide("go home") is None


def test_two_tools_of_one_name_are_refused(chooser):
    with pytest.raises(UserError, match="'stop'"):
        Toolbox([Tool("stop", "Stop."), Tool("stop", "Halt.")], chooser)


@pytest.mark.parametrize("name", ["setLightColour", "set_light_colour", "set-light-colour"])
def test_a_name_is_read_as_words(name):
    assert words_of(name) == "set light colour"


def test_what_is_required_is_called_however_little_was_said(chooser):
    tools = [Tool("stop", "Stop."), Tool("dance", "Dance.")]
    said = "What a nice day it is."
    required = Toolbox(tools, chooser, required=True)
    assert Toolbox(tools, chooser).decide_all(said) == []
    (call,) = required.decide_all(said)
    assert call.name in required.tools
    assert Toolbox(tools[1:], chooser, required=True).decide_all(said)[0].name == "dance"
    assert required.decide_all("...") == Toolbox([], chooser, required=True).decide_all(said) == []
