"""Planted faults of the compiler and of machine code, and validators of translation that are broken, each in one condition.

A compiler with a fault makes programs that are not their source. Most of them must be refuted by an input that replays;
some break a rule between passes or of the machine, which refuses them (`IllFormedProgramError`). Called by `catalogue`.
"""

# The rows quote source text, whole.
# ruff: noqa: E501

from __future__ import annotations

from ncl.verify.mutation.laboratory import Broken, Edit, Fault

_WORDS, _BLOCKS, _REGISTERS, _LINES, _BUILTINS, _FOLD, _COPIES, _COMMON, _DEAD, _THREAD = (
    f"ncl/compiler/{name}.py"
    for name in (
        "words_to_blocks", "ast_to_blocks", "blocks_to_registers", "registers_to_program", "builtins_to_lines", "fold",
        "copies", "common", "dead", "thread",
    )
)  # fmt: skip
_SOURCE, _RUNS, _CODE = (f"ncl.verify.mutation.checkers:{name}" for name in ("source", "runs", "code"))
_SEGMENT, _MACHINE, _VALIDATOR = (f"ncl/verify/translation/{name}.py" for name in ("segment", "machine", "validate"))


def _one(file: str, old: str, new: str) -> tuple[Edit, ...]:
    return (Edit(file, old, new),)


_COMPILER_FAULTS = (
    Fault("ast_to_blocks does not swap the operands of >", "compiler", _one(_WORDS, '">": (Opcode.LESS, True)', '">": (Opcode.LESS, False)'), _RUNS, ("insertion_sort",)),
    Fault("ast_to_blocks takes and for or", "compiler", _one(_WORDS, '(done, more) if operator == "and" else (more, done)', '(more, done) if operator == "and" else (done, more)'), _SOURCE, ("either",)),
    Fault("ast_to_blocks makes while loops without a tick", "compiler", _one(_BLOCKS, "        self.emit(Opcode.TICK, position=statement.position)\n", ""), _SOURCE, ("insertion_sort",), "IllFormedProgramError"),
    Fault("ast_to_blocks ticks twice in a for loop", "compiler", _one(_BLOCKS, "        self.emit(Opcode.TICK, position=place)\n        body = self.block()", "        self.emit(Opcode.TICK, position=place)\n        self.emit(Opcode.TICK, position=place)\n        body = self.block()"), _SOURCE, ("count",)),
    Fault("ast_to_blocks makes a round too many", "compiler", _one(_BLOCKS, "self.made(Opcode.SUBTRACT, left, one, position=place), step, position=place", "left, step, position=place"), _SOURCE, ("steps",)),
    Fault("ast_to_blocks counts down to 1", "compiler", _one(_BLOCKS, "self.made(Opcode.LESS_EQUAL, step, following,", "self.made(Opcode.LESS, step, following,"), _SOURCE, ("down",)),
    Fault("ast_to_blocks counts down from below 0", "compiler", _one(_BLOCKS, 'some = self.combine("<=", right, left, difference.position, None)', "some = self.constant(1, place)"), _SOURCE, ("down",)),
    Fault("ast_to_blocks makes no round from the largest word", "compiler", _one(_BLOCKS, 'self.copied(statement.start, f"{path}:start"), self.constant(1, place)\n', 'self.copied(statement.start, f"{path}:start"), self.constant(1, place)\n            some = self.made(Opcode.NOT_EQUAL, following, self.constant(self.top, place), position=place)\n'), _SOURCE, ("falling",)),
    Fault("ast_to_blocks puts an assert's trap elsewhere", "compiler", _one(_BLOCKS, "Stop(int(Trap.ASSERT), place)", "Stop(int(Trap.ASSERT), self.function.position)"), _SOURCE, ("traps",)),
    Fault("ast_to_blocks traps for another reason", "compiler", _one(_BLOCKS, "int(Trap.ASSERT)", "int(Trap.INDEX)"), _SOURCE, ("traps",)),
    Fault("ast_to_blocks assigns one after the other", "compiler", _one(_BLOCKS, "copied=len(values) > 1", "copied=False"), _SOURCE, ("swap",)),
    Fault("ast_to_blocks fills a cell too many", "compiler", _one(_BLOCKS, "more = self.made(Opcode.LESS, index, count, position=place)", "more = self.made(Opcode.LESS_EQUAL, index, count, position=place)"), _SOURCE, ("fill",)),
    Fault("blocks_to_registers forgets what it spilled", "compiler", _one(_REGISTERS, "after.append(Line(Opcode.STORE_FRAME, (self.scratch, where.number), line.position))", "pass"), _SOURCE, ("wide", 7)),
    Fault("blocks_to_registers fetches two into one register", "compiler", _one(_REGISTERS, "self.fetched(value, self.scratch + number, line, before)", "self.fetched(value, self.scratch, line, before)"), _SOURCE, ("wide", 7)),
    Fault("blocks_to_registers clobbers a live register", "compiler", _one(_REGISTERS, "            for other in after:\n                if other != same:", "            for other in after:\n                if other != same and other in graph.parameters:"), _SOURCE, ("reverse",), "IllFormedProgramError"),
    Fault("blocks_to_registers clobbers, and its rule sleeps", "compiler", (
        Edit(_REGISTERS, "            for other in after:\n                if other != same:", "            for other in after:\n                if other != same and other in graph.parameters:"),
        Edit(_REGISTERS, "places[other] == places[line.target]", "False"),
    ), _SOURCE, ("reverse",)),
    Fault("registers_to_program crosses a branch", "compiler", _one(_LINES, "            if yes == following:\n                return [(Opcode.JUMP_ZERO,", "            if yes == following:\n                return [(Opcode.JUMP_NONZERO,"), _SOURCE, ("count",)),
    Fault("registers_to_program jumps back behind the tick", "compiler", _one(_LINES, "numbers[_LABELS[opcode]] = start + starts[numbers[_LABELS[opcode]]]", "numbers[_LABELS[opcode]] = start + starts[numbers[_LABELS[opcode]]] + 1"), _SOURCE, ("count",), "IllFormedProgramError"),
    Fault("registers_to_program says another place", "compiler", _one(_LINES, "places.append(place)", "places.append(part.lines[0][2])"), _SOURCE, ("traps",)),
    Fault("ast_to_blocks calls without a tick", "compiler", _one(_WORDS, "        self.emit(Opcode.TICK, position=place)\n        arguments", "        arguments"), _SOURCE, ("calls",), "IllFormedProgramError"),
    Fault("ast_to_blocks hands arguments over backwards", "compiler", _one(_WORDS, "self.pinned(given, place)", "self.pinned(given[::-1], place)"), _SOURCE, ("calls",)),
    Fault("ast_to_blocks keeps the cells of a function that gives a word", "compiler", _one(_BLOCKS, 'self.function.signature.result == "array", place', 'self.function.signature.result == "word", place'), _SOURCE, ("heaps",)),
    Fault("blocks_to_registers trusts registers over a call", "compiler", _one(_REGISTERS, "if register in saved:", "if register in ():"), _SOURCE, ("calls",), "IllFormedProgramError"),
    Fault("registers_to_program lets frames overlap", "compiler", _one(_LINES, "part.callees[number]], part.allocated.slots", "part.callees[number]], 0"), _SOURCE, ("calls",)),
    Fault("fold takes the other way", "compiler", _one(_FOLD, "Jump(nonzero if known", "Jump(zero if known"), _SOURCE, ("known",)),
    Fault("copies outlive what they copy", "compiler", _one(_COPIES, "new.target in (c, original)", "new.target == c"), _SOURCE, ("swap",)),
    Fault("common loads from before a store", "compiler", _one(_COMMON, "if k[0] == Opcode.LOAD]", "if k[0] == Opcode.STORE]"), _SOURCE, ("cells",)),
    Fault("dead drops a division that traps", "compiler", _one(_DEAD, " - _TRAPS", ""), _SOURCE, ("unwanted",)),
    Fault("thread copies a loop head without its tick", "compiler", _one(_THREAD, "replace(graph.blocks[target])", "replace(graph.blocks[target], lines=graph.blocks[target].lines[1:])"), _SOURCE, ("insertion_sort",), "IllFormedProgramError"),
    Fault("ast_to_blocks evaluates the count of an array before its fill", "compiler", _one(_BLOCKS, 'fill = self.word(statement.fill, f"{path}:fill")\n        with self.waiting({f"{path}:fill": fill}):\n            count = self.copied(statement.count, f"{path}:count")', 'count = self.copied(statement.count, f"{path}:count")\n        fill = self.word(statement.fill, f"{path}:fill")'), _SOURCE, ("order",)),
    Fault("ast_to_blocks checks an index against the base", "compiler", _one(_WORDS, "self.emit(Opcode.BOUND, index, length,", "self.emit(Opcode.BOUND, index, base,"), _SOURCE, ("peek",)),
    Fault("ast_to_blocks reads on into the next array", "compiler", _one(_WORDS, "        self.emit(Opcode.BOUND, index, length, position=node.position)\n", ""), _SOURCE, ("peek",)),
    Fault("ast_to_blocks goes on where it should break", "compiler", _one(_BLOCKS, "self.finish(Jump(self.loops[-1][1]))", "self.finish(Jump(self.loops[-1][0]))"), _SOURCE, ("both",)),
    Fault("ast_to_blocks breaks out of the outermost loop", "compiler", _one(_BLOCKS, "self.finish(Jump(self.loops[-1][1]))", "self.finish(Jump(self.loops[0][1]))"), _SOURCE, ("nested",)),
    Fault("ast_to_blocks chooses the other value", "compiler", _one(_WORDS, 'self.branch(condition, f"{at}.condition", yes, no)', 'self.branch(condition, f"{at}.condition", no, yes)'), _SOURCE, ("calls",)),
    Fault("ast_to_blocks inverts all bits but the highest", "compiler", _one(_WORDS, "number = value ^ self.top if", "number = value ^ (self.top >> 1) if"), _SOURCE, ("top",)),
    Fault("ast_to_blocks returns the length for the base", "compiler", _one(_BLOCKS, "registers = self.arrays[value] if", "registers = self.arrays[value][::-1] if"), _SOURCE, ("reverse",)),
    Fault("ast_to_blocks counts up where it should count down", "compiler", _one(_BLOCKS, "move = Opcode.ADD if statement.falling is None else Opcode.SUBTRACT", "move = Opcode.ADD"), _SOURCE, ("down",)),
    Fault("ast_to_blocks leaves out the round that is not whole", "compiler", _one(_BLOCKS, "left = self.made(Opcode.ADD, rounds, one, position=place)", "left = rounds"), _SOURCE, ("steps",)),
    Fault("ast_to_blocks stores the old word", "compiler", _one(_BLOCKS, "self.emit(Opcode.STORE, new, base, index, position=target.position)", "self.emit(Opcode.STORE, old, base, index, position=target.position)"), _SOURCE, ("change",)),
    Fault("ast_to_blocks evaluates what is added before the cell", "compiler", _one(_BLOCKS, '''        base, index = self.cell(target, f"{path}:target")
        old = self.made(Opcode.LOAD, base, index, position=target.position)
        with self.waiting({f"{path}:target": old, f"{path}:target.index": index}):
            value = self.word(statement.value, f"{path}:value")
''', '''        value = self.word(statement.value, f"{path}:value")
        base, index = self.cell(target, f"{path}:target")
        old = self.made(Opcode.LOAD, base, index, position=target.position)
'''), _SOURCE, ("change",)),
    Fault("ast_to_blocks ends a chain at the comparison that holds", "compiler", _one(_WORDS, "self.finish(Branch(result, no, more, node.position))", "self.finish(Branch(result, more, no, node.position))"), _SOURCE, ("between",)),
    Fault("ast_to_blocks takes the larger for min", "compiler", _one(_BUILTINS, "to.make(Opcode.MULTIPLY, gap, to.make(Opcode.LESS, x, y))", "to.make(Opcode.MULTIPLY, gap, to.make(Opcode.LESS, y, x))"), _SOURCE, ("between",)),
    Fault("blocks_to_registers fetches from the slot beside", "compiler", _one(_REGISTERS, "before.append(Line(Opcode.LOAD_FRAME, (scratch, where.number), line.position))", "before.append(Line(Opcode.LOAD_FRAME, (scratch, where.number ^ 1), line.position))"), _SOURCE, ("wide", 7)),
    Fault("blocks_to_registers moves the other way", "compiler", _one(_REGISTERS, "return [Line(Opcode.MOVE, (to, at), line.position)]", "return [Line(Opcode.MOVE, (at, to), line.position)]"), _SOURCE, ("swap",)),
    Fault("blocks_to_registers shares a slot between two that are wanted, and its rule sleeps", "compiler", (
        Edit(_REGISTERS, "found[register] = next(place for place in places if place not in taken)", "found[register] = next(place for place in places if place not in taken or place == Slot(0))"),
        Edit(_REGISTERS, "places[other] == places[line.target]", "False"),
    ), _SOURCE, ("wide", 7)),
    Fault("registers_to_program jumps where it should fall through", "compiler", _one(_LINES, "            if no == following:\n                return [(Opcode.JUMP_NONZERO,", "            if no == following:\n                return [(Opcode.JUMP_ZERO,"), _SOURCE, ("insertion_sort",)),
    Fault("registers_to_program keeps the heap where it should not", "compiler", _one(_LINES, "(int(keeps),)", "(int(not keeps),)"), _SOURCE, ("heaps",)),
    Fault("registers_to_program calls another function", "compiler", _one(_LINES, "(entries[part.callees[number]],", "(max(entries.values()),"), _SOURCE, ("pair",)),
    Fault("fold takes x - 0 for 0 - x", "compiler", _one(_FOLD, "if neutral is not None and line.opcode in _COMMUTE and", "if neutral is not None and"), _SOURCE, ("turned",)),
    Fault("common keeps what its operands no longer hold", "compiler", _one(_COMMON, "if holder == target or _reads(k, target)]", "if holder == target]"), _SOURCE, ("again",)),
    Fault("common takes a - b for b - a", "compiler", _one(_COMMON, "Opcode.ADD, Opcode.MULTIPLY,", "Opcode.ADD, Opcode.SUBTRACT, Opcode.MULTIPLY,"), _SOURCE, ("apart",)),
    Fault("dead drops stores", "compiler", _one(_DEAD, "not itself and (line", "line.opcode != Opcode.STORE and not itself and (line"), _SOURCE, ("reverse",)),
)  # fmt: skip

# What source interpreter and compiler both take from the parser or the builtins, and so agree on.
_PARSER, _STATEMENTS, _MEANINGS = (
    "ncl/language/parse_expressions.py",
    "ncl/language/interpret/source_statements.py",
    "ncl/language/builtins.py",
)
_PYTHON = "ncl.verify.mutation.checkers:python"
_LANGUAGE_FAULTS = (
    Fault("the parser reads at most as below", "language", _one(_PARSER, 'ast.LtE: "<="', 'ast.LtE: "<"'), _PYTHON, ("between",)),
    Fault("the parser reads and for or", "language", _one(_PARSER, '"and" if isinstance(kind, ast.And) else "or"', '"or" if isinstance(kind, ast.And) else "and"'), _PYTHON, ("either",)),
    Fault("the parser takes a choice for its other side", "language", _one(_PARSER, "expression(reader, body), expression(reader, orelse), place", "expression(reader, orelse), expression(reader, body), place"), _PYTHON, ("half",)),
    Fault("the language takes the larger for min", "language", _one(_MEANINGS, "k.choose(k.less(y, x), y, x)", "k.choose(k.less(x, y), y, x)"), _PYTHON, ("between",)),
    Fault("source and validator do not swap the operands of >", "language", _one("ncl/language/operators.py", '">": (Opcode.LESS, True)', '">": (Opcode.LESS, False)'), _SOURCE, ("insertion_sort",)),
    Fault("the source makes no round from the largest word", "language", _one(_STATEMENTS, "(first := start(run), -falling, first // falling + 1)", "(first := start(run), -falling, first // falling + 1 if first < self.algebra.size - 1 else 0)"), _PYTHON, ("topmost",)),
    Fault("the source stores from the last target to the first", "language", _one(_STATEMENTS, "zip(stores, words, strict=True)", "reversed(list(zip(stores, words, strict=True)))"), _PYTHON, ("twice",)),
)  # fmt: skip

# Each of these is what a validator without one of its conditions proves; the sound one refutes it.
_CODE_FAULTS = tuple(
    Fault(name.replace("_", " "), "program-memory", (), _CODE, (name,))
    for name in (
        "a_loop_that_counts_by_three", "arguments_exchanged", "a_total_that_begins_at_one", "a_loop_that_takes_n_for_one",
        "a_loop_body_of_another_kind", "an_order_of_operands_that_only_a_solver_sees", "a_way_that_goes_on_for_ever",
        "a_variable_named_like_a_register", "a_first_loop_whose_body_is_wrong", "a_store_that_is_lost",
        "a_way_that_only_the_machine_takes", "a_frame_of_no_slots", "a_value_left_in_a_register",
        "another_function_called", "another_argument", "a_heap_that_is_kept",
        "a_part_of_a_long_expression",
    )
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (*_COMPILER_FAULTS, *_LANGUAGE_FAULTS, *_CODE_FAULTS)

_NUMBERS_ASSUMED = Edit(
    _SEGMENT, "for t, where in self.rows[spot][line]]", 'for t, where in self.rows[spot][line] if where[0] != "c"]'
)

# Validators spoiled in one of the conditions of docs/trust.md, by its number.
BROKEN: tuple[Broken, ...] = (
    Broken("1: a loop without a row is skipped", _one(_SEGMENT, 'return self.reached(f"the source comes to {described(source.spot)}, which has no row") or []', "return []"), "a loop that counts by three"),
    Broken("2: arguments are taken from last to first", _one("ncl/verify/translation/relation.py", "for number, term in enumerate(terms))", "for number, term in enumerate(terms[::-1]))"), "arguments exchanged"),
    Broken("3: a row is not proved on arrival", _one(_SEGMENT, 'line {line}", [*pairs, *_shared', 'line {line}", [*_shared'), "a total that begins at one"),
    Broken("3: numbers in a row are assumed and not proved", (_NUMBERS_ASSUMED,), "a loop that takes n for one"),
    Broken("3: a row that contradicts itself holds of all", (
        _NUMBERS_ASSUMED, Edit(_VALIDATOR, 'return Report((f"{where}: the row is empty: {fault}",), segments=1)', "return Report((), segments=1)"),
    ), "a loop body of another kind"),
    Broken("4: all slots survive a call", _one(_MACHINE, "self.program.code[line].a, self.program.code[line].b\n", "self.program.code[line].a, 1000\n"), "a frame of no slots"),
    Broken("4: registers survive a call", _one(_MACHINE, 'if where[0] == "f" and int(where[1:]) < frame}', 'if where[0] == "r" or int(where[1:]) < frame}'), "a value left in a register"),
    Broken("6: whatever the solver says is a proof", _one(_SEGMENT, 'if answer.said == "unsat":\n            return None\n        model', "if answer.said:\n            return None\n        model"), "an order of operands that only a solver sees"),
    Broken("6: one way of the machine is walked", _one(_SEGMENT, "        return ways\n", "        return ways[:1]\n"), "a way that only the machine takes"),
    # A loop that nothing would stop is guarded by its ticks as well, so they are not counted either.
    Broken("7: a path that comes round is dropped", _one(_SEGMENT, 'return self.reached(f"the source {_what(source)}, the machine {_what(machine)}")', 'return None if isinstance(machine, Stuck) or "traps budget" in _what(machine) else self.reached(f"the source {_what(source)}, the machine {_what(machine)}")'), "a way that goes on for ever"),
    Broken("8: a call may be of any function", _one(_SEGMENT, "if source.function != machine.function:", "if not source.function:"), "another function called"),
    Broken("8: arguments of calls are not compared", _one(_SEGMENT, "[*words, *_shared(", "[*words[:0], *_shared("), "another argument"),
    Broken("8: how a function ends is not compared", _one(_SEGMENT, "Returned(how=other, words=others) if how == other:", "Returned(how=other, words=others) if other:"), "a heap that is kept"),
    Broken("3: what an expression gave is not compared where it is cut", _one(_SEGMENT, "for t, where in self.rows[spot][line]]", 'for t, where in self.rows[spot][line] if not t.startswith("value@")]'), "a part of a long expression"),
    Broken("9: names of both sides are one", _one("ncl/verify/translation/terms.py", 'f"machine {location}"', 'f"source {location}"'), "a variable named like a register"),
    Broken("the loop head that stands first is skipped", _one(_VALIDATOR, "for spot, lines in self.rows.items():", "for spot, lines in list(self.rows.items())[1:]:"), "a first loop whose body is wrong"),
    Broken("memory is not compared", _one(_SEGMENT, '        ("memory", source.memory, machine.memory),\n', ""), "a store that is lost"),
)  # fmt: skip
