"""What the property tests draw: compiled source functions with inputs, machine programs with soft inputs."""

from functools import lru_cache

from hypothesis import strategies as st

from ncl.build import Compiled, sizes_for
from ncl.language.text import assemble
from ncl.language.wellformed import check
from ncl.properties.machine_programs import programs, straight
from ncl.properties.sources import BUDGET, sources
from ncl.properties.states import states
from ncl.properties.strategies import batches, soft_arguments


def compiled_sources(width=4, memory=16, statements=4, registers=(6, 8, 16), depth=3):
    """Compiled source functions, on machines where registers are scarce and where they are not."""

    def build(source, count):
        cells = min(memory, 1 << width)  # an address is a word
        return Compiled.of(source.function, sizes_for(width, registers=count, memory=cells, frame=1024, depth=depth))

    return st.builds(build, sources(width, statements), st.sampled_from(registers))


def with_batches(compiled, budget=BUDGET, most=4, rows=3):
    return compiled.flatmap(lambda c: st.tuples(st.just(c), batches(c.program, budget, most, rows)))


def soft_sources(statements=3):
    """(program, soft arguments) of source functions on a machine small enough for dense."""
    small = compiled_sources(width=3, memory=8, statements=statements, registers=(8,), depth=2)
    return small.map(lambda c: c.program).flatmap(with_soft)


def soft_programs(widths=(1, 2, 3)):
    return programs(widths).flatmap(with_soft)


def soft_straight(width=2):
    return straight(width).flatmap(with_soft)


def with_soft(program):
    return st.tuples(st.just(program), soft_arguments(program.signature, program.sizes))


def with_states(widths):
    """(program, any state of it, budget)."""
    return programs(widths).flatmap(lambda p: st.tuples(st.just(p), states(p), st.integers(0, 6)))


@lru_cache
def assembled(body, width=3, memory=8, result="Word"):
    """A program of two words x and y from assembly text."""
    head = f".program p\n.signature (x: Word, y: Word) -> {result}\n"
    return check(assemble(f"{head}.sizes width={width} registers=4 memory={memory} frame=0 depth=0\n{body}"))
