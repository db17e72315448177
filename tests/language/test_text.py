"""Assembly text reads back to the same program, and text that is none is refused with its line."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncl import library
from ncl.compiler.compile import compile_function
from ncl.errors import FormatError, NclError
from ncl.language.opcodes import OPERANDS, Opcode
from ncl.language.program import Instruction, Parameter, Position, Program, Signature, Sizes
from ncl.language.text import assemble, disassemble

GOOD = """\
.program p
.signature (xs: Array, n: Word) -> Word
.sizes width=4 registers=4 memory=8 frame=2 depth=1
.source 12ab
   0  constant r0, 3                    ; 2:5
   1  jump_zero r0, @0
   2  halt                              ; 3:5
"""


@st.composite
def programs(draw) -> Program:
    """Any program that can be written down, well formed or not."""
    names = st.text(string.ascii_letters + "_äß数", min_size=1, max_size=6).filter(str.isidentifier)
    numbers = st.integers(0, 1 << 40)
    code = []
    for opcode in draw(st.lists(st.sampled_from(Opcode), max_size=8)):
        code.append(Instruction(int(opcode), *(draw(numbers) for _ in OPERANDS[opcode])))
    places = st.none() | st.builds(
        Position, st.integers(1, 999), st.integers(1, 999), st.sampled_from(["", "a.py", "../../b/ä_1.py"])
    )
    positions = tuple(draw(places) for _ in code)
    parameters = draw(st.lists(st.builds(Parameter, names, st.sampled_from(["word", "array"])), max_size=4))
    sizes = draw(st.builds(Sizes, st.integers(1, 32), st.integers(2, 99), st.integers(0, 2), st.integers(0, 9)))
    source = draw(st.text("0123456789abcdef", max_size=8))
    signature = Signature(tuple(parameters), draw(st.sampled_from(["word", "array"])))
    return Program(draw(names), signature, sizes, tuple(code), positions if any(positions) else (), source)


@given(programs())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_the_text_of_any_program_reads_back_to_it(program):
    assert assemble(disassemble(program)) == program


@given(programs())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_document_of_any_program_reads_back_to_it(program):
    assert Program.from_json(program.to_json()) == program


@pytest.mark.parametrize("name", library.names())
def test_library_programs_round_trip_through_text(name):
    function = library.get(name)
    least = max(f.signature.argument_registers for f in function.program.values())
    program, _ = compile_function(function, Sizes(width=16, registers=max(3, least)))
    assert assemble(disassemble(program)) == program


def test_the_text_of_a_program_is_stable():
    assert disassemble(assemble(GOOD)) == GOOD


def test_blank_lines_comments_and_spacing_mean_nothing():
    loose = (
        GOOD.replace("constant r0, 3 ", "constant   r0 ,3").replace("   1", "\n; prose\n\t1").replace("@0", "@0 ; ?")
    )
    assert assemble(loose) == assemble(GOOD)


# (what is changed, into what, what the error says)
SPOILED = [
    ("constant r0, 3", "constnat r0, 3", "assembly:5: expected line 0 with an opcode of the table"),
    ("   1  jump", "   2  jump", "assembly:6: expected line 1"),
    ("constant r0, 3", "constant r0", "constant takes 2 operands, got 1"),
    ("constant r0, 3", "constant r0, 3, 4", "constant takes 2 operands, got 3"),
    ("halt", "halt 3", "halt takes 0 operands, got 1"),
    ("constant r0, 3", "constant 0, 3", "'0' is no register written"),
    ("constant r0, 3", "constant r0, r3", "'r3' is no constant word"),
    ("constant r0, 3", "constant r0, -3", "'-3' is no constant word"),
    ("r0, @0", "r0, 0", "'0' is no program line"),
    ("r0, @0", "r0, @", "'@' is no program line"),
    ("halt", "halt,", "halt takes 0 operands"),
    (".program p\n", "", "the heading has no .program"),
    (".signature (xs: Array, n: Word) -> Word\n", "", "the heading has no .signature"),
    (".sizes width=4 registers=4 memory=8 frame=2 depth=1\n", "", "the heading has no .sizes"),
    (".program p", ".program", "'' is not a name"),
    (".program p", ".program p q", "'p q' is not a name"),
    (".program p", ".program ../p", "'../p' is not a name"),
    ("xs: Array", "xs: List", "parameter 'xs: List'"),
    ("xs: Array", ": Array", "'' is not a name"),
    ("-> Word", "", "signature"),
    ("-> Word", "-> word", "signature"),
    ("width=4", "width=", "invalid literal"),
    ("width=4", "width", "the heading"),
    ("width=4 ", "", "expected each of width, registers, memory, frame, depth once"),
    ("width=4", "width=4 height=3", "expected each of width"),
    ("width=4", "width=40", "width 40 is not in 1 … 32"),
    (".source 12ab", ".source 12 ab", "'12 ab' is not a digest"),
    (".source 12ab", ".origin 12ab", "the heading has .origin"),
    (".source 12ab", ".source 12ab\n.source 12ab", "the heading has .source twice"),
]


@pytest.mark.parametrize(("old", "new", "message"), SPOILED)
def test_text_that_is_no_program_is_refused_with_what_is_wrong(old, new, message):
    assert old in GOOD
    with pytest.raises(FormatError) as caught:
        assemble(GOOD.replace(old, new))
    assert message in str(caught.value)


@given(st.text(max_size=60), st.integers(0, len(GOOD)))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_text_makes_the_reader_stumble(noise, place):
    for text in (noise, GOOD[:place] + noise + GOOD[place:]):
        try:
            program = assemble(text)
        except NclError:
            continue
        assert assemble(disassemble(program)) == program
