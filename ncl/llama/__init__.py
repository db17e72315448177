"""LLaMA with a computer: the tape, the side module that fills it, and the model that answers through it.

One model may be used by many threads at once: what a call knows lives in its context, and nothing of it on the model.

Importing this package registers `NCLLlamaForCausalLM` with transformers' Auto classes.
"""

from ncl.llama.adapter import load_adapter, save_adapter, save_merged
from ncl.llama.augment import NCLLlamaForCausalLM
from ncl.llama.base import load_base
from ncl.llama.chat import NCLChatLlamaForCausalLM
from ncl.llama.config import NCLLlamaConfig

__all__ = [
    "NCLChatLlamaForCausalLM",
    "NCLLlamaConfig",
    "NCLLlamaForCausalLM",
    "load_adapter",
    "load_base",
    "save_adapter",
    "save_merged",
]
