"""What a base model runs in is measured once a machine, and goes by what was measured."""

import pytest
import torch

from ncl.llama.pretrained import dtype_choice


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("NCL_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return tmp_path


def measured(monkeypatch, bfloat16, float32=1.0):
    asked = []

    def seconds(dtype):
        asked.append(dtype)
        return {torch.bfloat16: bfloat16, torch.float32: float32}[dtype]

    monkeypatch.setattr(dtype_choice, "_seconds", seconds)
    return asked


@pytest.mark.parametrize(("ratio", "dtype"), [(0.2, torch.bfloat16), (1.0, torch.bfloat16), (2.3, torch.float32)])
def test_a_processor_that_is_slow_with_bfloat16_gets_float32(monkeypatch, ratio, dtype):
    measured(monkeypatch, ratio)
    choice = dtype_choice.quickest()
    assert choice.dtype == dtype and f"{ratio:.1f} times as long" in choice.why


def test_it_is_measured_once_and_decided_alike_from_then_on(monkeypatch):
    asked = measured(monkeypatch, 3.0)
    first = dtype_choice.quickest()
    measured(monkeypatch, 0.1)
    assert dtype_choice.quickest() == first and len(asked) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bfloat16": "x"}', '{"bfloat16": NaN}', '{"bfloat16": -1}'])
def test_a_measurement_that_cannot_be_read_is_made_again(monkeypatch, place, text):
    measured(monkeypatch, 3.0)
    dtype_choice.quickest()
    (file,) = (place / "speed").iterdir()
    file.write_text(text)
    measured(monkeypatch, 0.5)
    assert dtype_choice.quickest().dtype == torch.bfloat16


def test_another_number_of_threads_is_another_machine(monkeypatch):
    before = dtype_choice._machine()
    monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    assert dtype_choice._machine() != before


def test_the_measurement_itself_comes_to_a_number():
    assert dtype_choice.slowness() > 0


def test_on_a_gpu_it_is_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert dtype_choice.quickest().dtype == torch.bfloat16
