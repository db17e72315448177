"""All ways of generating that the installed transformers has, and what becomes of a called answer in each.

An outcome of a mode of generation, of a field of GenerationConfig, and of a parameter of `generate`. docs/natural.md
shows what users need of it.

KEPT: whole, exact, ended. CUT: after as many tokens as the caller allows, with no end token. REFUSED: one sentence of
ours. THEIRS: transformers refuses it, whatever the model. BASE: concerns nothing but what the language model says.
"""

from transformers.generation import GenerationMode

KEPT, CUT, REFUSED, THEIRS, BASE = "kept", "cut", "refused", "refused by transformers", "of the language model alone"

MODES = {
    GenerationMode.GREEDY_SEARCH: (KEPT, {}),
    GenerationMode.SAMPLE: (KEPT, {"do_sample": True, "temperature": 3.0}),
    GenerationMode.ASSISTED_GENERATION: (KEPT, {"prompt_lookup_num_tokens": 3}),
    GenerationMode.BEAM_SEARCH: (KEPT, {"num_beams": 3}),
    GenerationMode.BEAM_SAMPLE: (KEPT, {"num_beams": 2, "do_sample": True}),
    # They run code from elsewhere, so transformers wants trust_remote_code; a called answer needs none of it.
    GenerationMode.CONTRASTIVE_SEARCH: (KEPT, {"penalty_alpha": 0.6, "top_k": 4}),
    GenerationMode.DOLA_GENERATION: (KEPT, {"dola_layers": "low"}),
    GenerationMode.CONSTRAINED_BEAM_SEARCH: (KEPT, {"num_beams": 2, "force_words_ids": [[9]]}),
    GenerationMode.GROUP_BEAM_SEARCH: (KEPT, {"num_beams": 2, "num_beam_groups": 2, "diversity_penalty": 1.0}),
}

SCORED = {"return_dict_in_generate": True, "output_scores": True}
# A callable makes its options from the tokenizer.
FIELDS = {
    "max_length": (CUT, lambda t: {"max_length": None}), "max_new_tokens": (CUT, {"max_new_tokens": 4}),
    "min_length": (KEPT, {"min_length": 200}), "min_new_tokens": (KEPT, {"min_new_tokens": 50}),
    "early_stopping": (KEPT, {"num_beams": 2, "early_stopping": True}), "max_time": (KEPT, {"max_time": 1e-6}),
    "stop_strings": (KEPT, lambda t: {"stop_strings": [","], "tokenizer": t}),
    "do_sample": (KEPT, {"do_sample": True}), "num_beams": (KEPT, {"num_beams": 2}),
    "use_mtp": (REFUSED, {"use_mtp": True}),
    "use_cache": (KEPT, {"use_cache": False}), "cache_implementation": (KEPT, {"cache_implementation": "static"}),
    "cache_config": (KEPT, {"cache_implementation": "dynamic", "cache_config": {}}),
    "max_cache_len": (KEPT, {"cache_implementation": "static", "max_cache_len": 300}),
    "temperature": (KEPT, {"do_sample": True, "temperature": 9.0}), "top_k": (KEPT, {"do_sample": True, "top_k": 1}),
    "top_p": (KEPT, {"do_sample": True, "top_p": 0.1}), "min_p": (KEPT, {"do_sample": True, "min_p": 0.9}),
    "top_h": (KEPT, {"do_sample": True, "top_h": 0.5}), "typical_p": (KEPT, {"do_sample": True, "typical_p": 0.2}),
    "epsilon_cutoff": (KEPT, {"do_sample": True, "epsilon_cutoff": 0.1}),
    "eta_cutoff": (KEPT, {"do_sample": True, "eta_cutoff": 0.1}),
    "repetition_penalty": (KEPT, {"repetition_penalty": 9.0}),
    "encoder_repetition_penalty": (KEPT, {"encoder_repetition_penalty": 0.1}),
    "length_penalty": (KEPT, {"num_beams": 2, "length_penalty": -5.0}),
    "no_repeat_ngram_size": (KEPT, {"num_beams": 2, "no_repeat_ngram_size": 1}),
    "encoder_no_repeat_ngram_size": (KEPT, {"encoder_no_repeat_ngram_size": 1}),
    "bad_words_ids": (KEPT, lambda t: {"bad_words_ids": [[i] for i in t(", 123")["input_ids"]]}),
    "suppress_tokens": (KEPT, lambda t: {"suppress_tokens": t(", 123")["input_ids"]}),
    "begin_suppress_tokens": (KEPT, lambda t: {"begin_suppress_tokens": t("123")["input_ids"]}),
    "forced_bos_token_id": (KEPT, {"forced_bos_token_id": 7}),
    "forced_eos_token_id": (KEPT, {"forced_eos_token_id": 7}),
    "sequence_bias": (KEPT, {"sequence_bias": [[[7], 90.0]]}),
    "renormalize_logits": (KEPT, {"renormalize_logits": True}),
    "remove_invalid_values": (KEPT, {"remove_invalid_values": True}),
    "exponential_decay_length_penalty": (KEPT, {"exponential_decay_length_penalty": (1, 9.0)}),
    "guidance_scale": (KEPT, {"guidance_scale": 3.0}),
    "watermarking_config": (KEPT, {"watermarking_config": {"bias": 9.0, "seeding_scheme": "selfhash"}}),
    "token_healing": (REFUSED, {"token_healing": True}),
    "num_return_sequences": (KEPT, {"num_return_sequences": 2, "do_sample": True}),
    "output_attentions": (KEPT, {"return_dict_in_generate": True, "output_attentions": True}),
    "output_hidden_states": (KEPT, {"return_dict_in_generate": True, "output_hidden_states": True}),
    "output_scores": (KEPT, {"return_dict_in_generate": True, "output_scores": True}),
    "output_logits": (KEPT, {"return_dict_in_generate": True, "output_logits": True}),
    "return_dict_in_generate": (KEPT, {"return_dict_in_generate": True}),
    "pad_token_id": (KEPT, {"pad_token_id": 9}), "bos_token_id": (KEPT, {"bos_token_id": 9}),
    "eos_token_id": (KEPT, lambda t: {"eos_token_id": [9, t.eos_token_id]}),
    "decoder_start_token_id": (BASE, {"decoder_start_token_id": 9}),
    "is_assistant": (KEPT, SCORED | {"is_assistant": True}),
    "num_assistant_tokens": (KEPT, {"prompt_lookup_num_tokens": 3, "num_assistant_tokens": 2}),
    "num_assistant_tokens_schedule": (KEPT, {"num_assistant_tokens_schedule": "heuristic"}),
    "assistant_confidence_threshold": (KEPT, SCORED | {"is_assistant": True, "assistant_confidence_threshold": 0.9}),
    "prompt_lookup_num_tokens": (KEPT, {"prompt_lookup_num_tokens": 5}),
    "max_matching_ngram_size": (KEPT, {"prompt_lookup_num_tokens": 5, "max_matching_ngram_size": 1}),
    "assistant_early_exit": (REFUSED, {"assistant_early_exit": 2}),
    "assistant_lookbehind": (BASE, {"assistant_lookbehind": 3}),
    "target_lookbehind": (BASE, {"target_lookbehind": 3}),
    "assistant_ensemble_weight": (BASE, {"assistant_ensemble_weight": 0.5}),
    "speculation_type": (REFUSED, {"speculation_type": "dflash"}),
    "compile_config": (KEPT, {}), "disable_compile": (KEPT, {"disable_compile": True}),
    "continuous_batching_config": (BASE, {}), "low_memory": (KEPT, {"low_memory": True}),
    "penalty_alpha": (KEPT, {"penalty_alpha": 0.6, "top_k": 4}), "dola_layers": (KEPT, {"dola_layers": "high"}),
    "diversity_penalty": (KEPT, {"num_beams": 2, "num_beam_groups": 2, "diversity_penalty": 0.5}),
    "num_beam_groups": (KEPT, {"num_beams": 2, "num_beam_groups": 2}),
    "constraints": (KEPT, {"num_beams": 2, "constraints": [object()]}),
    "force_words_ids": (KEPT, {"num_beams": 2, "force_words_ids": [[9]]}),
    "prefill_chunk_size": (KEPT, {"prefill_chunk_size": 8}),
    "transformers_version": (BASE, {}),
}  # fmt: skip


def fail(*_, **__):
    raise AssertionError("a called answer needs no decoding loop")


def unused(ids, scores):
    """A processor that leaves one other token."""
    scores[:] = -float("inf")
    scores[:, 7] = 0.0
    return scores


class Streamer:
    def __init__(self):
        self.given = []

    def put(self, value):
        self.given += value.flatten().tolist()

    def end(self):
        pass


# Parameters of `generate` itself.
PARAMETERS = {
    "inputs": (KEPT, {}), "generation_config": (KEPT, {}), "logits_processor": (KEPT, {"logits_processor": [unused]}),
    "stopping_criteria": (KEPT, {"stopping_criteria": [lambda ids, scores, **_: ids[:, -1] > -1]}),
    "prefix_allowed_tokens_fn": (KEPT, {"prefix_allowed_tokens_fn": lambda row, ids: [7]}),
    "synced_gpus": (REFUSED, {"synced_gpus": True}), "assistant_model": (KEPT, "assistant"),
    "streamer": (KEPT, {"streamer": Streamer()}), "negative_prompt_ids": (KEPT, "negative"),
    "negative_prompt_attention_mask": (KEPT, "negative"), "custom_generate": (KEPT, {"custom_generate": fail}),
    "kwargs": (KEPT, {}), "ncl_block": (KEPT, {"ncl_block": False}),
}  # fmt: skip
