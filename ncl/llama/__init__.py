"""LLaMA with a computer: the tape, the side module that fills it, and the model that answers through it.

Importing this package registers `NCLLlamaForCausalLM` with transformers' Auto classes.
"""

from ncl.llama.augment import NCLLlamaForCausalLM
from ncl.llama.config import NCLLlamaConfig

__all__ = ["NCLLlamaConfig", "NCLLlamaForCausalLM"]
