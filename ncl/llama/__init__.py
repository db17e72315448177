"""LLaMA with a computer. Rooms, lowest first: `computer`, `reader`, then `from_scratch` and `pretrained` side by side.

One model may be used by many threads at once: what a call knows lives in its context, and nothing of it on the model.

Importing this package registers both models with transformers' Auto classes, which load any folder of either. What is
named here stays where it is; everything else may move.
"""

from ncl.llama.from_scratch.config import NCLLlamaConfig
from ncl.llama.from_scratch.model import NCLLlamaForCausalLM
from ncl.llama.pretrained.adapter import load_adapter
from ncl.llama.pretrained.base_model import load_base
from ncl.llama.pretrained.checkpoint import save_adapter, save_merged
from ncl.llama.pretrained.config import NCLChatLlamaConfig
from ncl.llama.pretrained.conversation import Parts, Reply, reply
from ncl.llama.pretrained.model import NCLChatLlamaForCausalLM

__all__ = [
    "NCLChatLlamaConfig",
    "NCLChatLlamaForCausalLM",
    "NCLLlamaConfig",
    "NCLLlamaForCausalLM",
    "Parts",
    "Reply",
    "load_adapter",
    "load_base",
    "reply",
    "save_adapter",
    "save_merged",
]
