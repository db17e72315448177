"""Tokens are words of the machine and back, exactly, whatever the model is cast to."""

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from ncl.digests import saved_tokenizer_digest, tokenizer_digest
from ncl.errors import ConfigurationError, FormatError
from ncl.llama.from_scratch.config import NCLLlamaConfig
from ncl.llama.from_scratch.lexer import Lexer
from ncl.llama.from_scratch.tokenizer import CALL, NUMBERS, POP, SPECIAL, make_tokenizer, words_of


def test_every_number_token_writes_its_number_and_pop_the_largest_word(tokenizer):
    words, vocabulary = words_of(tokenizer, 11), tokenizer.get_vocab()
    assert [words[vocabulary[str(n)]] for n in range(NUMBERS)] == list(range(NUMBERS))
    assert words[vocabulary[POP]] == 2047
    assert sum(word >= 0 for word in words) == NUMBERS + 1


def test_a_lexer_goes_from_tokens_to_words_and_back(tokenizer):
    lexer = Lexer(words_of(tokenizer, 11), 11)
    for token, word in enumerate(words_of(tokenizer, 11)):
        assert int(lexer.words_of(torch.tensor([token]))) == word
        if word >= 0:
            assert int(lexer.token_of_word_N[word]) == token
    assert int((lexer.token_of_word_N >= 0).sum()) == NUMBERS + 1


def test_a_cast_to_bfloat16_leaves_the_tables_exact(tokenizer):
    lexer = Lexer(words_of(tokenizer, 11), 11)
    before = {name: table.clone() for name, table in lexer.tables().items()}
    lexer.to(torch.bfloat16)
    for name, table in lexer.tables().items():
        assert table.dtype == torch.int64 and torch.equal(table, before[name])


def test_rebuilding_mends_tables_that_came_back_as_garbage(tokenizer):
    lexer = Lexer(words_of(tokenizer, 11), 11)
    good = {name: table.clone() for name, table in lexer.tables().items()}
    for table in lexer.tables().values():
        table.fill_(7)
    lexer.rebuild()
    assert all(torch.equal(table, good[name]) for name, table in lexer.tables().items())


def test_pad_begin_end_and_unknown_are_four_tokens_of_their_own(tokenizer):
    ids = [tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id]
    assert len(set(ids)) == len(SPECIAL) == 4


def test_texts_are_cut_at_spaces_and_begin_with_the_begin_token(tokenizer):
    ids = tokenizer("reverse 3 1 127 =")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == ["<bos>", "reverse", "3", "1", "127", CALL]


def test_the_same_texts_make_the_same_tokenizer():
    assert make_tokenizer(["a", "b", "a"]).get_vocab() == make_tokenizer(["a", "b"]).get_vocab()


def test_a_tokenizers_digest_outlives_saving_and_padding(tokenizer, tmp_path):
    before = tokenizer_digest(tokenizer)
    tokenizer(["reverse 1 =", "sort 3 2 1 ="], padding=True, truncation=True, max_length=4)
    tokenizer.save_pretrained(tmp_path)
    loaded = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    assert tokenizer_digest(tokenizer) == saved_tokenizer_digest(tmp_path) == tokenizer_digest(loaded) == before
    assert tokenizer_digest(make_tokenizer(["another"])) != before


def test_a_folder_without_a_tokenizer_has_no_digest_and_a_broken_one_is_said_to_be_broken(tmp_path):
    assert saved_tokenizer_digest(tmp_path) is None
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(FormatError, match="not a tokenizer"):
        saved_tokenizer_digest(tmp_path)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"ncl_width": 0}, "ncl_width 0"),
        ({"ncl_width": 3, "ncl_words": [-1, 8], "vocab_size": 2}, "no word of width 3"),
        ({"ncl_words": [-1, 1], "vocab_size": 3}, "2 entries for 3 tokens"),
        ({"ncl_words": [1, 1], "vocab_size": 2}, "two tokens write the same word"),
        ({"ncl_words": [-1, 1], "vocab_size": 2, "pad_token_id": 1, "eos_token_id": 1}, "pad and end are one token"),
        ({"ncl_programs": ["reverse", "reverse"]}, "named twice"),
    ],
    ids=["width", "word", "size", "twice", "pad", "program"],
)
def test_a_configuration_that_cannot_work_is_refused_with_the_reason(fields, told):
    with pytest.raises(ConfigurationError, match=told):
        NCLLlamaConfig(**fields)
