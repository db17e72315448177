"""How fast a fitted LLaMA answers where it calls, and what its computer costs where it does not.

    python benchmarks/answering.py RUN [--base BASE] [--numbers 1000] [--tokens 128] [--rounds 15]

RUN is a folder of `ncl train natural`. Two ratios, each within one run on one machine:

* tokens a second of a whole answer of 1000 numbers, the reading of the prompt and the program included, against the
  same base model generating token by token behind the same prompt, its reading of the prompt *not* included;
* the time of 32 tokens behind chat prompts that call nothing, against the base model alone on the same batch, in four
  runs each, which alternate: the median over prompts of the ratio of sums, and of the quickest runs, which other work
  disturbs least; and the range of the first. Every run's tokens are compared: they are equal to the bit.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch

from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.chat_format import chat_ids
from ncl.llama.pretrained.special_tokens import padding_token
from ncl.training.pretrained.run import find_run, open_computer
from ncl.training.tasks.natural_prompts import phrasings


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin, found


def generated(model: Any, ids_BT: torch.Tensor, mask_BT: torch.Tensor, most: int, **options: Any) -> torch.Tensor:
    """New tokens, greedy."""
    with torch.no_grad():
        out_BT = model.generate(
            input_ids=ids_BT, attention_mask=mask_BT, do_sample=False, max_new_tokens=most,
            pad_token_id=padding_token(model), **options,
        )  # fmt: skip
    return out_BT[:, ids_BT.shape[1] :]


def long_answer(model: Any, plain: Any, tokenizer: Any, numbers: int, tokens: int) -> dict[str, Any]:
    rng = Random(0)
    values = [rng.randint(0, 999) for _ in range(numbers)]
    text = f"Sort this list: {', '.join(map(str, values))}."
    ids_BT = torch.tensor([chat_ids(tokenizer, text)], device=plain.device)
    mask_BT = torch.ones_like(ids_BT)
    generated(model, ids_BT, mask_BT, 12 * numbers)  # compiles what is compiled at first use
    seconds, new_BA = timed(lambda: generated(model, ids_BT, mask_BT, 12 * numbers))
    text = tokenizer.decode(new_BA[0], skip_special_tokens=True)
    first, _ = timed(lambda: generated(plain, ids_BT, mask_BT, 1))
    whole, plain_BA = timed(lambda: generated(plain, ids_BT, mask_BT, tokens, min_new_tokens=tokens))
    mine, theirs = new_BA.shape[1] / seconds, (plain_BA.shape[1] - 1) / (whole - first)
    return {
        "numbers": numbers, "prompt_tokens": ids_BT.shape[1], "answer_tokens": new_BA.shape[1],
        "exact": text == ", ".join(map(str, sorted(values))), "seconds": round(seconds, 3),
        "tokens_per_second": round(mine, 1), "base_tokens_per_second": round(theirs, 2),
        "ratio": round(mine / theirs, 1),
    }  # fmt: skip


def overhead(model: Any, plain: Any, tokenizer: Any, rounds: int) -> dict[str, Any]:
    sums, quickest, same = [], [], True
    for text in phrasings("chat_test")["plain"][:rounds]:
        ids_BT = torch.tensor([chat_ids(tokenizer, text)], device=plain.device)
        mask_BT = torch.ones_like(ids_BT)
        runs: dict[bool, list[tuple[float, torch.Tensor]]] = {True: [], False: []}
        for own in (True, False, False, True) * 2:
            one = model if own else plain
            runs[own].append(timed(partial(generated, one, ids_BT, mask_BT, 32)))
        own_R, base_R = ([seconds for seconds, _ in runs[own]] for own in (True, False))
        sums.append(sum(own_R) / sum(base_R) - 1)
        quickest.append(min(own_R) / min(base_R) - 1)
        same &= all(torch.equal(new_BA, runs[False][0][1]) for _, new_BA in runs[True])
    return {
        "prompts": len(sums), "overhead": round(statistics.median(sums), 4),
        "overhead_of_quickest": round(statistics.median(quickest), 4),
        "overhead_range": [round(min(sums), 4), round(max(sums), 4)], "bit_identical": same,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--base")
    parser.add_argument("--numbers", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    run = find_run(given.run)
    if run is None:
        parser.error(f"{given.run}: no run of `ncl train natural`")
    base = load_base(given.base or run.base, torch.bfloat16)
    base.model.to("cuda" if torch.cuda.is_available() else "cpu")
    model = open_computer(run, base)
    name = torch.cuda.get_device_name() if model.device.type == "cuda" else "cpu"
    told = {
        "device": name, "threads": torch.get_num_threads(),
        "answer": long_answer(model, base.model, base.tokenizer, given.numbers, given.tokens),
        "no_call": overhead(model, base.model, base.tokenizer, given.rounds),
    }  # fmt: skip
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
