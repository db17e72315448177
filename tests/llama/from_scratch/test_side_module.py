"""Readings depend neither on where a prompt stands nor on how long its list is."""

import torch

from ncl.llama.from_scratch.side_module import SideModule


def side_module():
    torch.manual_seed(0)
    made = SideModule(16, 8, 3)
    made.start()
    torch.nn.init.normal_(made.literal_H)
    return made


def prompt(numbers, before=0, after=0):
    """Text, numbers, text; padding around it."""
    generator = torch.Generator().manual_seed(1)
    words_TH = torch.randn(3, 16, generator=generator)
    size = before + 3 + numbers + after
    hidden_TH = torch.randn(size, 16, generator=generator)
    kinds = ["pad"] * before + ["text", "text"] + ["number"] * numbers + ["text"] + ["pad"] * after
    texts = iter(words_TH)
    for place, kind in enumerate(kinds):
        if kind == "text":
            hidden_TH[place] = next(texts)
    literal = torch.tensor([[kind == "number" for kind in kinds]])
    inside = torch.tensor([[kind != "pad" for kind in kinds]])
    return hidden_TH[None], literal, inside


def test_padding_on_either_side_changes_nothing():
    module = side_module()
    plain, padded = module(*prompt(4)), module(*prompt(4, before=7, after=3))
    assert torch.allclose(plain.gate_BT, padded.gate_BT[:, 7:-3], atol=1e-6)
    assert torch.allclose(plain.selection_BP, padded.selection_BP, atol=1e-6)


def test_a_longer_list_changes_neither_the_selection_nor_the_gates_inside_it():
    module = side_module()
    short, long = module(*prompt(8)), module(*prompt(500))
    assert torch.allclose(short.selection_BP, long.selection_BP, atol=1e-5)
    middle = short.gate_BT[0, 6]
    assert torch.allclose(long.gate_BT[0, 6:490], middle.expand(484), atol=1e-5)


def test_the_value_of_a_number_is_not_looked_at():
    module = side_module()
    hidden, literal, inside = prompt(5)
    changed = torch.where(literal[..., None], torch.randn(hidden.shape), hidden)
    for one, other in zip(
        vars(module(hidden, literal, inside)).values(), vars(module(changed, literal, inside)).values()
    ):
        assert torch.equal(one, other)


def test_a_prompt_without_numbers_is_read_without_a_nan():
    reading = side_module()(*prompt(0))
    assert reading.selection_BP.isfinite().all() and not reading.pointer_BT.isnan().any()


def test_probabilities_of_selection_and_of_pointers_sum_to_one():
    hidden, literal, inside = prompt(6)
    reading = side_module()(hidden, literal, inside)
    assert torch.allclose(reading.selection_BP.exp().sum(1), torch.ones(1))
    assert torch.allclose(reading.pointer_BT.exp().sum(1), torch.ones(1))


def test_it_computes_in_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        reading = side_module()(*prompt(3))
    assert reading.gate_BT.dtype == reading.selection_BP.dtype == torch.float32
