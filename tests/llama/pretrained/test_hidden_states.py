"""What the reader is given and makes of it: free of padding, of length, of windows and of the backbone's dtype."""

from dataclasses import fields, replace

import pytest
import torch

from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.hidden_states import TOKENS_AT_ONCE, PromptStates, collate, extract, from_forward_pass
from ncl.llama.pretrained.layer_hooks import capture_outputs, layers_to_read, truncated_backbone
from ncl.llama.pretrained.number_lexer import COMMA, Unit
from ncl.llama.pretrained.prompt_units import WHOLE, message, number_runs, windows
from ncl.llama.reader.call_plan import most_probable
from ncl.llama.reader.network import GATE_BIAS, Reader, _best_other, _mean, _Row
from ncl.llama.reader.quantised_weights import quantised

LARGEST = (1 << 16) - 2
LAYERS = (2, 3)
TEXTS = ["Sort: 3 1 2", "Count 5 in: 5 6 5, then reverse it", "Hello", "Reverse 7", "Merge 1 2 3 with 4 5 and 6"]
ROUNDING = {"rtol": 1e-4, "atol": 1e-5}  # sums in another order, over a few layers of float32


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(3)
    made = Reader(32, 16, 5).eval()
    made.start()
    return made


def test_passes_side_by_side_see_what_one_after_another_sees(read, backbone, monkeypatch):
    """Each thread watches its own passes, and all of them go with one thread each."""
    found = [read(f"{text} {word}") for text in TEXTS for word in ("please", "now", "7 times", "")]
    monkeypatch.setitem(TOKENS_AT_ONCE, "cpu", 40)  # many batches
    alone = extract(backbone, found, LAYERS, 0)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        together = extract(backbone, found, LAYERS, 0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one.near_UH, other.near_UH) and torch.equal(one.deep_UH, other.deep_UH)


@pytest.fixture
def read(tokenizer, lexer, around):
    return lambda text: message(chat_ids(tokenizer, text), around, lexer, LARGEST)


@pytest.fixture
def backbone(request, tokenizer):
    name = "base" if tokenizer is request.getfixturevalue("by_digit") else "base_by_group"
    return request.getfixturevalue(name).model.model


def same(one, other, count=None):
    """Readings at the first `count` units are equal to the bit."""
    for field in fields(one):
        a, b = (getattr(reading, field.name)[:, :count] for reading in (one, other))
        assert torch.equal(a, b), field.name


def random_units(rows, seed=0):
    """Units of made-up messages, each a string of N (number), T (text) and S (separator)."""
    dice = torch.Generator().manual_seed(seed)
    seen = []
    for row in rows:
        kinds = [Unit(0, 5 if kind == "N" else None, separator=COMMA if kind == "S" else 0) for kind in row]
        lead = list(range(len(row)))
        for run in number_runs(kinds):
            for place in run:
                lead[place] = run[0]
        near, deep = (torch.randn(len(row), 32, generator=dice) for _ in range(2))
        text = tuple(kind == "T" for kind in row)
        seen.append(PromptStates(near, deep, tuple(kind == "N" for kind in row), tuple(lead), text, text,
                         tuple(range(len(row)))))  # fmt: skip
    return seen


# --- what the reader is given


def test_a_window_of_its_own_sees_what_a_pass_over_the_prompt_sees(backbone, read, tokenizer):
    for text in TEXTS:
        found, ids = read(text), torch.tensor([chat_ids(tokenizer, text)])
        (alone,) = extract(backbone, [found], LAYERS, 0)
        with torch.no_grad(), capture_outputs(backbone, LAYERS) as states:
            backbone(ids, use_cache=False)
        passing = from_forward_pass(found, states, 0, torch.ones_like(ids[0], dtype=torch.bool), LAYERS)
        for a, b in ((alone.near_UH, passing.near_UH), (alone.deep_UH, passing.deep_UH)):
            torch.testing.assert_close(a, b, **ROUNDING)
        rest = ("number", "lead", "begins", "ends", "same")
        assert [getattr(alone, name) for name in rest] == [getattr(passing, name) for name in rest]


@pytest.mark.parametrize("left, right", [(0, 0), (3, 0), (0, 3), (2, 5)])
def test_padding_on_either_side_changes_no_state_that_is_read(backbone, read, tokenizer, left, right):
    found, ids = read(TEXTS[0]), chat_ids(tokenizer, TEXTS[0])
    ids_BT = torch.tensor([[0] * left + ids + [0] * right])
    mask_BT = torch.tensor([[0] * left + [1] * len(ids) + [0] * right])
    with torch.no_grad(), capture_outputs(backbone, LAYERS) as states:
        backbone(ids_BT, attention_mask=mask_BT, position_ids=(mask_BT.cumsum(1) - 1).clamp(min=0), use_cache=False)
    padded = from_forward_pass(found, states, 0, mask_BT[0].bool(), LAYERS)
    (alone,) = extract(backbone, [found], LAYERS, 0)
    torch.testing.assert_close(padded.near_UH, alone.near_UH, **ROUNDING)
    torch.testing.assert_close(padded.deep_UH, alone.deep_UH, **ROUNDING)


def test_messages_of_many_lengths_are_seen_together_as_alone(backbone, read):
    long = "Stack: " + ", ".join("pop" if i % 3 == 2 else f"push {i}" for i in range(150))
    found = [read(text) for text in [*TEXTS, long, "", " "]]
    together = extract(backbone, found, LAYERS, 0)
    for one, seen in zip(found, together, strict=True):
        (alone,) = extract(backbone, [one], LAYERS, 0)
        torch.testing.assert_close(seen.near_UH, alone.near_UH, **ROUNDING)
        torch.testing.assert_close(seen.deep_UH, alone.deep_UH, **ROUNDING)
        assert len(seen.near_UH) == len(one.place)


def test_each_unit_of_a_long_message_is_seen_at_its_place_in_its_window(backbone, read):
    found = read("Stack: " + ", ".join("pop" if i % 3 == 2 else f"push {i}" for i in range(150)))
    made = windows(found)
    assert len(found.tokens) > WHOLE and len(made) > 2
    (seen,) = extract(backbone, [found], LAYERS, 0)
    window = made[1]
    with torch.no_grad(), capture_outputs(backbone, LAYERS) as states:
        backbone(torch.tensor([window.tokens]), use_cache=False)
    for unit, place in zip(window.units, window.places):
        torch.testing.assert_close(seen.near_UH[unit], states[LAYERS[0]][0, place], **ROUNDING)


def test_only_the_lower_layers_run(backbone):
    passes = []
    handles = [layer.register_forward_hook(lambda *_, n=n: passes.append(n)) for n, layer in enumerate(backbone.layers)]
    with torch.no_grad():
        truncated_backbone(backbone, 2)(torch.tensor([[5, 6, 7]]), use_cache=False)
    for handle in handles:
        handle.remove()
    assert passes == [0, 1]
    assert len(backbone.layers) == 4 and not isinstance(backbone.norm, torch.nn.Identity)


def test_which_layers_are_read_follows_the_depth(base):
    def of(layers):
        config = type(base.model.config)(num_hidden_layers=layers)
        return layers_to_read(config)

    assert (of(30), of(16), of(32), of(28)) == ((16, 20), (9, 11), (17, 21), (15, 19))
    assert of(1) == (1, 1) and of(2) == (1, 1)


# --- what the reader makes of it


def test_what_pads_a_batch_changes_no_reading(reader):
    rows = ["TNNNT", "TNSNTTN", "T", "STNNT", "NNNN", "TTTTTTTTTTTTNSNSN"]
    together = reader(collate(random_units(rows)))
    seen = random_units(rows)
    for row, one in enumerate(seen):
        alone, count = reader(collate([one])), len(rows[row])
        for name in ("gate_BU", "pointer_BU", "symbol_BU", "boundary_BU", "channels_BUC"):
            torch.testing.assert_close(getattr(together, name)[row, :count], getattr(alone, name)[0], **ROUNDING)
        assert not together.channels_BUC[row, count:].any()
    plans = most_probable(reader, collate(seen), 16)
    assert plans == [most_probable(reader, collate([one]), 16)[0] for one in seen]


def test_a_boundary_is_read_from_the_whole_of_its_clause_and_of_no_other(reader):
    (seen,) = random_units(["T" * 24])
    seen = replace(seen, begins=tuple(unit in (0, 12) for unit in range(24)))
    far = torch.zeros_like(seen.deep_UH)
    far[20] = torch.linspace(-9, 9, 32)  # beyond what a convolution sees from where the clause begins
    before, after = (
        reader(collate([replace(seen, deep_UH=deep)])).boundary_BU[0] for deep in (seen.deep_UH, seen.deep_UH + far)
    )
    assert before[0] == after[0] and before[12] != after[12]


def test_what_stands_at_numbers_asks_for_nothing(reader):
    units = collate(random_units(["TNNTTN", "NNNNT"]))
    channels_BUC = reader(units).channels_BUC
    assert channels_BUC[units.text_BU].any() and not channels_BUC[units.number_BU].any()


def test_the_rival_of_a_list_is_the_likeliest_other_one():
    units = collate(random_units(["NTNNTNT", "NNTTTTT"]))
    odds_BU = torch.tensor([[1.0, 9.0, 4.0, 4.0, 9.0, -2.0, 9.0], [3.0, 3.0, 9.0, 9.0, 9.0, 9.0, 9.0]])
    rival_BU = _best_other(odds_BU, units)
    assert rival_BU[0, [0, 2, 3, 5]].tolist() == [4.0, 1.0, 1.0, 4.0]
    assert rival_BU[1, :2].tolist() == [0.0, 0.0]  # a list alone has none


def test_two_lists_of_which_one_is_meant_are_not_both_taken():
    """With full rivalry the log-odds are those of a choice among the two."""
    reader = Reader(32, 16, 5).eval()
    reader.start()
    units = collate(random_units(["TNNTNNT"], seed=4))
    with torch.no_grad():
        reader.rival.bias.fill_(-50.0)
        free_BU = reader(units).gate_BU
        reader.rival.bias.fill_(50.0)
        gate_BU = reader(units).gate_BU
    torch.testing.assert_close(gate_BU[0, [1, 4]], free_BU[0, [1, 4]] - free_BU[0, [4, 1]], **ROUNDING)
    assert (gate_BU[0, 1] > 0) != (gate_BU[0, 4] > 0)


def test_a_list_is_matched_with_any_text_however_far(reader):
    units = collate(random_units(["TNNT" + "T" * 600]))

    def matched(*mentions):
        near, deep = torch.ones(604, reader.gate.in_features), torch.zeros(604, reader.gate.in_features)
        deep[list(mentions)] = 3.0
        return reader._matched(near, deep, _Row.of(units), units)

    assert torch.equal(matched(5), matched(603)) and not torch.equal(matched(603), matched())
    assert torch.equal(matched(1), matched())  # a number is no mention


def test_a_longer_list_does_not_change_what_is_selected(reader):
    def selection(count):
        (text,) = random_units(["TTTT"])
        (numbers,) = random_units(["N"], seed=9)
        lead = (0, 1, *([2] * count), 2 + count, 3 + count)
        parts = [
            torch.cat([a[:2], b[:1].expand(count, -1), a[2:]])
            for a, b in ((text.near_UH, numbers.near_UH), (text.deep_UH, numbers.deep_UH))
        ]
        is_text = (True, True, *[False] * count, True, True)
        itself = tuple(range(len(is_text)))
        seen = PromptStates(*parts, tuple(not t for t in is_text), lead, is_text, is_text, itself)
        units = collate([seen])
        reading = reader(units)
        return reader.select(reader.pool(reading.channels_BUC, units.text_BU)).log_softmax(-1)

    few, many = selection(12), selection(1000)
    torch.testing.assert_close(few, many, **ROUNDING)


def test_a_prompt_of_a_thousand_numbers_reads_as_one_of_twelve_to_the_bit(reader, backbone, read):
    ends = [*range(100, 106), *range(200, 206)]
    few = read("Sort: " + ", ".join(map(str, ends)) + ", please.")
    many = read("Sort: " + ", ".join(map(str, [*ends[:6], *range(300, 1288), *ends[6:]])) + ", please.")
    assert sum(map(len, many.words)) == 1000 and many.tokens == few.tokens
    seen = [extract(backbone, [found], LAYERS, 0) for found in (few, many)]
    same(*(reader(collate(one)) for one in seen))


def test_numbers_of_a_run_share_one_gate_and_only_of_a_run(reader):
    units = collate(random_units(["TNSNNTNN"]))
    gate_U = reader(units).gate_BU[0].detach()
    assert len({float(gate_U[u]) for u in (1, 3, 4)}) == 1 == len({float(gate_U[u]) for u in (6, 7)})
    assert float(gate_U[1]) != float(gate_U[6])


def test_the_gate_of_a_run_is_the_mean_over_its_numbers(reader):
    units = collate(random_units(["TNSNNTN"]))
    odds_BU = torch.tensor([[9.0, 1.0, 9.0, 2.0, 6.0, 9.0, 4.0]])
    assert _mean(odds_BU, units.number_BU, units.lead_BU)[0, [1, 3, 4, 6]].tolist() == [3.0, 3.0, 3.0, 4.0]


def test_text_that_is_said_again_writes_in_use_what_it_writes_elsewhere(reader):
    (seen,) = random_units(["TNTNTN"])
    apart = reader(collate([seen])).symbol_BU
    units = collate([replace(seen, same=(0, 1, 0, 3, 4, 5))])
    shared = reader(units).symbol_BU
    torch.manual_seed(0)
    learning = reader.train()(units).symbol_BU
    torch.manual_seed(0)
    assert torch.equal(learning, reader(collate([seen])).symbol_BU)
    reader.eval()
    assert units.same_BU.tolist() == [[0, 1, 0, 3, 4, 5]]
    torch.testing.assert_close(shared[0, [0, 2]], apart[0, [0, 2]].mean().expand(2))
    assert torch.equal(shared[0, 4], apart[0, 4])


def test_what_is_surely_data_is_no_likely_argument(reader):
    units = collate(random_units(["TNTN"]))
    reading = reader(units)
    free_BU = torch.nn.functional.logsigmoid(-reading.gate_BU)
    assert (reading.pointer_BU <= (reading.pointer_BU - free_BU)).all()


def test_padding_is_neither_number_nor_text_and_leads_to_itself():
    units = collate(random_units(["TN", "TNNNT"]))
    assert not units.number_BU[0, 2:].any() and not units.text_BU[0, 2:].any()
    assert units.lead_BU[0].tolist() == units.same_BU[0].tolist() == [0, 1, 2, 3, 4] and units.lead_BU[1].tolist() == [
        0,
        1,
        1,
        1,
        4,
    ]


def test_a_fresh_reader_takes_lists_for_data_and_rarely_writes_or_parts():
    fresh = Reader(32, 16, 5)
    fresh.start()
    gate, symbol, boundary = (float(layer.bias.detach()) for layer in (fresh.gate, fresh.symbol, fresh.boundary))
    assert gate == GATE_BIAS > 0 > symbol and boundary < 0


# --- dtypes


def test_readings_are_float32_also_under_autocast_and_on_a_bfloat16_backbone(reader):
    seen = random_units(["TNSNT"])
    plain = reader(collate(seen))
    with torch.autocast("cpu", torch.bfloat16):
        same(plain, reader(collate(seen)))
    halves = [replace(one, near_UH=one.near_UH.bfloat16(), deep_UH=one.deep_UH.bfloat16()) for one in seen]
    assert all(getattr(reader(collate(halves)), field.name).dtype == torch.float32 for field in fields(plain))


def test_a_model_that_is_cast_keeps_its_readers_to_the_bit(fitted, base, small_base, by_digit):
    model = fitted(small_base(by_digit, seed=5))
    before = {name: tensor.clone() for name, tensor in model.readers.state_dict().items()}
    model.to(torch.bfloat16)
    model.half()
    assert model.model.embed_tokens.weight.dtype == torch.float16
    after = model.readers.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_settled_weights_are_what_few_bytes_hold():
    reader = Reader(32, 16, 5).quantise()
    assert all(torch.equal(weight, quantised(weight)) for weight in reader.parameters())
    assert all(weight.requires_grad and weight.dtype == torch.float32 for weight in reader.parameters())
