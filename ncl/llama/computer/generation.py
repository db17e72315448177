"""`generate` of a model with a computer: whatever way transformers generates, what is called is answered whole.

Prompts are read first, or in the first pass where that shows all there is to read. What the computer answers is then
put behind its prompt, whatever processors, beams or criteria did with the row meanwhile; where nothing is called,
transformers' own result is handed on. Ways in which an answer could not be kept are refused (`REFUSED`); the tests hold
a table of all ways against what the installed transformers has.

Legend: B prompts, S sequences, T tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, StoppingCriteriaList
from transformers.generation import GenerationMode

from ncl.errors import ConfigurationError
from ncl.llama.computer.answer_blocks import BlockStreamer, StopTaken, spliced
from ncl.llama.computer.cached_answers import attach_answers
from ncl.llama.computer.session import Session, remember

PLAIN_MODES = (GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE)
# Parameters of `generate` that are no part of a generation config, and go nowhere else.
OWN = (
    "generation_config", "logits_processor", "stopping_criteria", "prefix_allowed_tokens_fn", "synced_gpus",
    "assistant_model", "streamer", "negative_prompt_ids", "negative_prompt_attention_mask", "custom_generate",
    "trust_remote_code", "tokenizer", "assistant_tokenizer",
)  # fmt: skip
STEPS = ("output_scores", "output_logits", "output_attentions", "output_hidden_states")
TOKENS = "pass input_ids: the lexer reads tokens, and embeddings have none"
BATCHING = "continuous batching packs the prompts of several users into one row, so their numbers would mix"
REFUSED = {
    "inputs_embeds": TOKENS,
    "assistant_early_exit": "early exit changes the model for all who use it meanwhile, and for good where it fails",
    "use_mtp": "this model has no layers that foretell several tokens",
    "speculation_type": "this model has no layers that another one could guess from",
    "token_healing": "token healing rewrites the end of a prompt that was read already",
}


@dataclass(frozen=True)
class GenerationRequest:
    """How a caller wants to generate. `most`: new tokens that the caller allows, None where nothing was said."""

    config: Any
    plain: bool
    most: int | None
    whole: bool  # a block may be given out without any pass through the language model
    beside: bool
    steps: bool


def request_of(model: Any, ids_BT: Tensor, options: Mapping[str, Any]) -> GenerationRequest:
    """How a caller wants to generate behind prompts of shape (B, T).

    Raises ConfigurationError for what is refused, and what transformers raises for options that it does not have.
    """
    rest = {name: value for name, value in options.items() if name not in OWN}
    config, more = model._prepare_generation_config(options.get("generation_config"), **rest)
    refuse(config, options)
    custom = options.get("custom_generate")
    if custom is None:
        model._validate_model_kwargs(dict(more))
    mode = config.get_generation_mode(options.get("assistant_model"))
    one = config.num_beams in (None, 1) and config.num_return_sequences in (None, 1)
    returns_dict = bool(config.return_dict_in_generate)
    filled = more.get("past_key_values") is not None and int(more["past_key_values"].get_seq_length()) > 0
    steps = returns_dict and any(getattr(config, name) for name in STEPS)
    most = max_new_tokens(options, ids_BT.shape[1])
    plain = (
        mode in PLAIN_MODES and one and custom is None and not filled
        and config.prefill_chunk_size is None and options.get("assistant_model") is None
        and (most is not None or not steps)  # how many steps there are is settled before the first
    )  # fmt: skip
    return GenerationRequest(
        config, plain, most, not (returns_dict or _synced(model, options)),
        returns_dict or options.get("streamer") is not None, steps,
    )  # fmt: skip


def refuse(config: Any, options: Mapping[str, Any]) -> None:
    """Raise ConfigurationError for ways in which an answer could not be kept."""
    for name, why in REFUSED.items():
        if getattr(config, name, None) or options.get(name) is not None:
            raise ConfigurationError(f"{name}: {why}", where="generate", remedy=f"generate without {name}")
    if config.cache_implementation == "paged":
        raise ConfigurationError(BATCHING, where="generate", remedy="take another cache_implementation")


def refuse_of(model: Any, options: Mapping[str, Any]) -> None:
    """As `refuse`, of what a caller hands in."""
    rest = {name: value for name, value in options.items() if name not in OWN}
    refuse(model._prepare_generation_config(options.get("generation_config"), **rest)[0], options)


def _synced(model: Any, options: Mapping[str, Any]) -> bool:
    """Whether other processes wait for every pass of this one, as transformers settles it."""
    given = options.get("synced_gpus")
    return bool(model._extract_generation_mode_kwargs(None, {}, given, None, None)["synced_gpus"])


def max_new_tokens(options: Mapping[str, Any], prompt: int) -> int | None:
    """How many new tokens the caller allows; None where nothing was said."""
    given = options.get("generation_config")
    for source in (options, vars(given) if given is not None else {}):
        if source.get("max_new_tokens") is not None:
            return int(source["max_new_tokens"])
        if source.get("max_length") is not None:
            return max(0, int(source["max_length"]) - prompt)
    return None


def real_of(ids_BT: Tensor, given: Any, config: Any) -> Tensor:
    """Which tokens are real: as the caller says, or as transformers tells padding where nobody says.

    Both are (B, T), the result bool.
    """
    if isinstance(given, Tensor):
        return given[:, -ids_BT.shape[1] :].bool().to(ids_BT.device)
    end, pad = config.eos_token_id, config.pad_token_id
    if pad is None or pad in (end if isinstance(end, list) else [end]):
        return torch.ones_like(ids_BT, dtype=torch.bool)
    return ids_BT != pad


# --- generating ------------------------------------------------------------------------------------------------------


def generate(model: Any, ids_BT: Tensor, token_by_token: bool, options: dict[str, Any]) -> Any:
    """As `NCLLlamaForCausalLM.generate`, of prompts that are tokens.

    ids_BT: (B, T). Raises ConfigurationError as `request_of`.
    """
    remember(model, None)
    request = request_of(model, ids_BT, options)
    mask_BT = real_of(ids_BT, options.get("attention_mask"), request.config)
    session = Session(model, ids_BT, mask_BT, stepwise=token_by_token, beside=request.beside, steps=request.steps)
    session.reads = request.plain and model.reads_in_first_pass(ids_BT, mask_BT)
    if not session.reads:
        session.answers = model.answer(ids_BT, mask_BT, True)
    if len(session.called) == len(ids_BT) and request.whole and not token_by_token:
        out = _without_model(session, request, options.get("streamer"))
    else:
        with session.active():
            out = LlamaForCausalLM.generate(model, **_prepared(session, request, options))
        out = _with_answers(session, request, out)
    remember(model, session.answers)
    return out


def _without_model(session: Session, request: GenerationRequest, streamer: Any) -> Tensor:
    answers = _answers(session)
    each = request.config.num_return_sequences or 1
    if streamer is not None:
        handed = BlockStreamer(streamer, session, request.most)
        handed.put(session.ids_BT.cpu())
        handed.end()
    blocks = {row * each + s: block for row, block in enumerate(answers.blocks) for s in range(each)}
    return spliced(
        session.ids_BT.repeat_interleave(each, 0), session.prompt, blocks, _pad(session, request), request.most
    )


def _prepared(session: Session, request: GenerationRequest, options: dict[str, Any]) -> dict[str, Any]:
    """The options for transformers."""
    more = {**options, "inputs": session.ids_BT}
    more.pop("input_ids", None)
    more["stopping_criteria"] = StoppingCriteriaList([*(options.get("stopping_criteria") or ()), StopTaken(session)])
    if options.get("streamer") is not None:
        more["streamer"] = BlockStreamer(options["streamer"], session, request.most)
    if session.forces and request.most is None and len(session.called) == len(session.ids_BT):
        more["max_new_tokens"] = max(
            map(len, _answers(session).blocks)
        )  # else it ends after 20, which nobody requested
    return more


def _answers(session: Session) -> Any:
    """The answers; read now where transformers came to its end without the pass that was waited for."""
    if session.answers is None:
        session.answers = session.model.answer(session.ids_BT, session.mask_BT, True)
    return session.answers


def _with_answers(session: Session, request: GenerationRequest, out: Any) -> Any:
    """What transformers made, with each answer in its place. Raises ConfigurationError where there is no place."""
    answers = _answers(session)
    sequences_ST = out if isinstance(out, Tensor) else getattr(out, "sequences", None)
    prompt, rows = session.prompt, len(session.ids_BT)
    if (
        not isinstance(sequences_ST, Tensor) or sequences_ST.dim() != 2
        or len(sequences_ST) % rows or sequences_ST.shape[1] < prompt
    ):  # fmt: skip
        if not session.called:
            return out
        raise ConfigurationError(
            "custom_generate gave back no sequences behind the prompts, so the computer's answers have no place",
            where="generate", remedy="let it return input_ids with the new tokens behind",
        )  # fmt: skip
    each = len(sequences_ST) // rows
    blocks = {row * each + s: answers.blocks[row] for row in session.called for s in range(each)}
    rest = [s for s in range(len(sequences_ST)) if answers.rows[s // each] is None]
    blocks |= {s: row.tokens for s, row in session.model.written(session, sequences_ST, rest).items()}
    most = sequences_ST.shape[1] - prompt if session.steps else request.most
    whole_ST = spliced(sequences_ST, prompt, blocks, _pad(session, request), most)
    if isinstance(out, Tensor):
        return whole_ST
    out.sequences = whole_ST
    if each == 1:
        attach_answers(getattr(out, "past_key_values", None), answers, whole_ST, session.mask_BT)
    return out


def _pad(session: Session, request: GenerationRequest) -> int:
    pad = request.config.pad_token_id
    return int(session.model.pad_for_answers if pad is None else pad)
