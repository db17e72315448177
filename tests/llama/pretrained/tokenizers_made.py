"""Two tokenizers made offline, of the kinds that chat models have: a digit a token, and up to three digits a token."""

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXT = [
    "Sort the numbers, then reverse it, then count how often it occurs. What is the sum modulo ten of them?",
    "Push and pop: a stack from bottom to top. How are you today? I am fine, thank you; tell me a story.",
    "Please put the following list in order (smallest first). The list is here - it has words and marks.",
] * 20
NUMBERS = [" ".join(map(str, range(1000)))] * 3

CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HEADERS = (
    "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
# Llama 3's own way to cut text before merging.
CUT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def single_digits():
    """As SmolLM2: every digit is a token."""
    cut = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    return _made(pre_tokenizers.Sequence(cut), TEXT, specials, 420, CHATML, pad="<|endoftext|>", end="<|im_end|>")


def digit_groups():
    """As Llama 3: up to three digits are a token, and there is no token for padding."""
    cut = [pre_tokenizers.Split(Regex(CUT), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    return _made(pre_tokenizers.Sequence(cut), TEXT + NUMBERS, specials, 1700, HEADERS, pad=None, end="<|eot_id|>")


def _made(cut, texts, specials, size, template, pad, end):
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = cut, decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=size, special_tokens=specials, initial_alphabet=alphabet, min_frequency=1,
                                   show_progress=False),
    )  # fmt: skip
    whole = PreTrainedTokenizerFast(tokenizer_object=made, eos_token=end, pad_token=pad, padding_side="left")
    whole.chat_template = template
    return whole
