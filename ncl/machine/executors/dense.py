"""Dense: full superposition of control and data. The truth at every temperature, at its price.

Every component of the state is a distribution: pc over L lines, registers and cells over N words, heap, frame and stack
pointers over their ranges. A step makes, for every line, what that line would do, and mixes by the mass of the pc (and
of the opcodes, where program memory is soft). Within a line the components count as independent; on one-hot states that
is no assumption, and all arithmetic is sums of products of exact zeros and ones, so a hard run is one-hot to the bit and
equal to the reference state by state. Halted mass never changes again; a batch stops when all of it has halted.

Ticks are the expected number; the budget is compared with it. Cells that the program cannot reach are not carried.

Legend: B samples, L lines, K lines of one opcode, R registers, M memory cells, N words, F frame cells in reach, D depth,
H = M + 1 heap positions, P = F + 1 frame positions, S = D + 1 stack heights. Called by `machine`, `build` and `verify`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ncl.errors import CapacityError
from ncl.language.opcodes import BINARY, UNARY, Opcode, Trap
from ncl.language.program import Program, Value
from ncl.language.trace import DEFAULT_BUDGET, Result, State, TrapReport
from ncl.language.wellformed import check
from ncl.machine.circuits import onehot
from ncl.machine.fields import Fields, hard_fields
from ncl.machine.temperature import HARD, Temperature

LARGEST = 1 << 27  # entries of state and widest intermediate together, a batch
SETTLED = 1e-6  # soft runs: mass still running that is no longer waited for; it is reported, not hidden


@dataclass(frozen=True)
class DenseState:
    pc_BL: Tensor
    registers_BRN: Tensor
    memory_BMN: Tensor
    hp_BH: Tensor
    frame_BFN: Tensor
    fp_BP: Tensor
    stack_pc_BDL: Tensor
    stack_fp_BDP: Tensor
    stack_hp_BDH: Tensor
    sp_BS: Tensor
    ticks_B: Tensor
    running_B: Tensor  # mass that has not halted
    trap_BT: Tensor  # mass by trap number; 0: none


@dataclass(frozen=True)
class Reach:
    """How much of frame memory and call stack the program can use; nothing else is carried."""

    frame: int
    depth: int

    @staticmethod
    def of(program: Program) -> Reach:
        calls = [i.b for i in program.code if i.opcode == Opcode.CALL]
        returns = any(i.opcode == Opcode.RETURN for i in program.code)
        slots = [i.b for i in program.code if i.opcode in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
        depth = program.sizes.depth if calls or returns else 0
        need = max(calls, default=0) * depth + max(slots, default=-1) + 1
        return Reach(min(program.sizes.frame, need), depth)


def capacity(program: Program, batch: int) -> None:
    """Raise CapacityError, with the size it would take, for what no machine should try."""
    sizes, lines, words = program.sizes, len(program.code), 1 << program.sizes.width
    cells = sizes.registers + sizes.memory + Reach.of(program).frame
    entries = batch * (cells * words + lines * (words * words + sizes.memory))
    if entries > LARGEST:
        raise CapacityError(
            f"dense would hold {entries:.1e} numbers ({entries * 4 / 2**30:.0f} GiB in float32), at most {LARGEST:.1e}",
            where=f"{program.name} at width {sizes.width}",
            remedy="a smaller width, memory or batch, or the pathwise executor",
        )


# --- one step --------------------------------------------------------------------------------------------------------


class _Step:
    """One step under way: what lines read, and the sums that make the next state."""

    def __init__(self, program: Program, reach: Reach, fields_: Fields, state: DenseState, budget_B: Tensor) -> None:
        self.sizes, self.reach, self.fields, self.old = program.sizes, reach, fields_, state
        self.spent_B = (state.ticks_B >= budget_B).to(state.pc_BL.dtype)
        self.halted_BL = state.pc_BL * (1 - state.running_B)[:, None]
        self.pc_BL = self.halted_BL
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}  # component → (mass replaced, replacement)
        self.ticks_B, self.trap_BT = state.ticks_B, state.trap_BT
        self.stopped_B = torch.zeros_like(state.running_B)

    def lines(self, opcode: Opcode) -> tuple[Tensor, Tensor] | None:
        """(line numbers K, mass B×K) of an opcode, None when no line can hold it."""
        share_L = self.fields.opcode_LO[:, int(opcode)]
        lines_K = (share_L > 0).nonzero().squeeze(1)
        if not len(lines_K):
            return None
        return lines_K, self.old.pc_BL[:, lines_K] * share_L[lines_K] * self.old.running_B[:, None]

    def register(self, which: str, lines_K: Tensor) -> Tensor:
        """Operand register's distribution, B×K×N."""
        field_KR = getattr(self.fields, f"{which}_LX")[lines_K, : self.sizes.registers]
        return torch.einsum("kr,brn->bkn", field_KR, self.old.registers_BRN)

    def replace(self, component: str, mass: Tensor, value: Tensor) -> None:
        """This mass of a component gives way to these values (which already carry their mass)."""
        before = self.sums.get(component)
        self.sums[component] = (mass, value) if before is None else (before[0] + mass, before[1] + value)

    def write_register(self, lines_K: Tensor, mass_BK: Tensor, value_BKN: Tensor) -> Tensor:
        """Write to register a; mass that the value lacks has trapped. Returns the mass that goes on."""
        target_KR = self.fields.a_LX[lines_K, : self.sizes.registers]
        goes_BK = mass_BK * value_BKN.sum(-1)
        self.replace(
            "registers_BRN",
            torch.einsum("bk,kr->br", goes_BK, target_KR),
            torch.einsum("bk,kr,bkn->brn", mass_BK, target_KR, value_BKN),
        )
        return goes_BK

    def trap(self, kind: Trap, lines_K: Tensor, mass_BK: Tensor) -> None:
        """This mass halts where it stands."""
        self.pc_BL = self.pc_BL.index_add(1, lines_K, mass_BK)
        self.stopped_B = self.stopped_B + mass_BK.sum(1)
        index = torch.tensor([int(kind)], device=mass_BK.device)
        self.trap_BT = self.trap_BT.index_add(1, index, mass_BK.sum(1, keepdim=True))

    def go_on(self, lines_K: Tensor, mass_BK: Tensor) -> None:
        """This mass moves to the next line. On the last line none is left to move, in a well-formed program."""
        count = self.pc_BL.shape[1]
        self.pc_BL = self.pc_BL.index_add(1, (lines_K + 1).clamp(max=count - 1), mass_BK)

    def jump(self, mass_BK: Tensor, target_KL: Tensor) -> None:
        self.pc_BL = self.pc_BL + mass_BK @ target_KL

    def finished(self, temperature: Temperature) -> DenseState:
        changes: dict[str, Tensor] = {}
        for name, (mass, value) in self.sums.items():
            old = getattr(self.old, name)
            changes[name] = old * (1 - mass)[..., None] + value
        sharp = {name: temperature.sharpen(value) for name, value in changes.items()}
        trap_BT = torch.cat([(1 - self.trap_BT[:, 1:].sum(1, keepdim=True)), self.trap_BT[:, 1:]], 1)
        return replace(
            self.old,
            **sharp,
            pc_BL=temperature.sharpen(self.pc_BL),
            ticks_B=self.ticks_B,
            running_B=self.old.running_B - self.stopped_B,
            trap_BT=trap_BT,
        )


def _halt(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    s.pc_BL = s.pc_BL.index_add(1, lines_K, mass_BK)
    s.stopped_B = s.stopped_B + mass_BK.sum(1)


def _trap(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    for kind in Trap:
        s.trap(kind, lines_K, mass_BK * s.fields.a_LX[lines_K, int(kind)])


def _tick(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    s.trap(Trap.BUDGET, lines_K, mass_BK * s.spent_B[:, None])
    goes_BK = mass_BK * (1 - s.spent_B)[:, None]
    s.ticks_B = s.ticks_B + goes_BK.sum(1)
    s.go_on(lines_K, goes_BK)


def _jump(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    s.jump(mass_BK, s.fields.a_LX[lines_K, : s.pc_BL.shape[1]])


def _jump_if(zero: bool) -> Callable[[_Step, Tensor, Tensor], None]:
    def act(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
        word_BKN = s.register("a", lines_K)
        zero_BK, other_BK = word_BKN[..., 0], word_BKN[..., 1:].sum(-1)
        jumps_BK, stays_BK = (zero_BK, other_BK) if zero else (other_BK, zero_BK)
        s.jump(mass_BK * jumps_BK, s.fields.b_LX[lines_K, : s.pc_BL.shape[1]])
        s.go_on(lines_K, mass_BK * stays_BK)

    return act


def _constant(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    words_KN = s.fields.b_LX[lines_K, : 1 << s.sizes.width]
    s.go_on(lines_K, s.write_register(lines_K, mass_BK, words_KN.expand(len(mass_BK), -1, -1)))


def _move(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    s.go_on(lines_K, s.write_register(lines_K, mass_BK, s.register("b", lines_K)))


def _word_op(opcode: Opcode) -> Callable[[_Step, Tensor, Tensor], None]:
    circuit = onehot.CIRCUITS[opcode]

    def act(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
        x_BKN = s.register("b", lines_K)
        operands = [x_BKN] if opcode in UNARY else [x_BKN, s.register("c", lines_K)]
        flat = circuit(*(o.reshape(-1, o.shape[-1]) for o in operands))
        z_BKN = flat.reshape(x_BKN.shape)
        if opcode in onehot.DIVISIONS:
            s.trap(Trap.DIVISION, lines_K, mass_BK * onehot.trapped(opcode, *operands))
        s.go_on(lines_K, s.write_register(lines_K, mass_BK, z_BKN))

    return act


def _cells(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> Tensor:
    """Distribution over memory cells of register b + register c, B×K×M; the rest traps."""
    base_BKN, index_BKN = s.register("b", lines_K), s.register("c", lines_K)
    flat = onehot.CIRCUITS[Opcode.ADD](*(o.reshape(-1, o.shape[-1]) for o in (base_BKN, index_BKN)))
    address_BKN = flat.reshape(base_BKN.shape)
    s.trap(Trap.INDEX, lines_K, mass_BK * address_BKN[..., s.sizes.memory :].sum(-1))
    return address_BKN[..., : s.sizes.memory]


def _load(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    cell_BKM = _cells(s, lines_K, mass_BK)
    value_BKN = torch.einsum("bkm,bmn->bkn", cell_BKM, s.old.memory_BMN)
    s.go_on(lines_K, s.write_register(lines_K, mass_BK, value_BKN))


def _store(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    cell_BKM, value_BKN = _cells(s, lines_K, mass_BK), s.register("a", lines_K)
    at_BKM = mass_BK[..., None] * cell_BKM
    s.replace("memory_BMN", at_BKM.sum(1), torch.einsum("bkm,bkn->bmn", at_BKM, value_BKN))
    s.go_on(lines_K, at_BKM.sum(-1))


def _slots(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> Tensor:
    """Distribution over frame cells fp + b in reach, B×K×F; well-formed programs have no other mass."""
    size = s.reach.frame
    slot_KF = s.fields.b_LX[lines_K, :size]
    cell_BKF = torch.zeros(*mass_BK.shape, size, dtype=mass_BK.dtype, device=mass_BK.device)
    for fp in range(size):
        shifted_KF = torch.nn.functional.pad(slot_KF, (fp, 0))[:, :size]
        cell_BKF = cell_BKF + s.old.fp_BP[:, None, fp, None] * shifted_KF
    s.trap(Trap.INVALID, lines_K, mass_BK * (1 - cell_BKF.sum(-1)))
    return cell_BKF


def _load_frame(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    value_BKN = torch.einsum("bkf,bfn->bkn", _slots(s, lines_K, mass_BK), s.old.frame_BFN)
    s.go_on(lines_K, s.write_register(lines_K, mass_BK, value_BKN))


def _store_frame(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    at_BKF = mass_BK[..., None] * _slots(s, lines_K, mass_BK)
    s.replace("frame_BFN", at_BKF.sum(1), torch.einsum("bkf,bkn->bfn", at_BKF, s.register("a", lines_K)))
    s.go_on(lines_K, at_BKF.sum(-1))


def _allocate(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    count_BKN, memory = s.register("b", lines_K), s.sizes.memory
    words = count_BKN.shape[-1]
    after_BKH = torch.zeros(*mass_BK.shape, memory + 1, dtype=mass_BK.dtype, device=mass_BK.device)
    base_BKN = torch.zeros_like(count_BKN)
    for hp in range(memory + 1):
        here_B1 = s.old.hp_BH[:, hp, None]
        fits_BKC = count_BKN[..., : memory + 1 - hp]
        room = fits_BKC.shape[-1]
        after_BKH = after_BKH + torch.nn.functional.pad(here_B1[..., None] * fits_BKC, (hp, memory + 1 - hp - room))
        word_N = one_hot(torch.tensor(hp % words, device=mass_BK.device), words).to(mass_BK.dtype)
        base_BKN = base_BKN + (here_B1 * fits_BKC.sum(-1))[..., None] * word_N
    goes_BK = s.write_register(lines_K, mass_BK, base_BKN)
    s.trap(Trap.MEMORY, lines_K, mass_BK * (1 - base_BKN.sum(-1)))
    s.replace("hp_BH", goes_BK.sum(1), torch.einsum("bk,bkh->bh", mass_BK, after_BKH))
    s.go_on(lines_K, goes_BK)


def _bound(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    truth_BK2 = onehot.compare(Opcode.LESS, s.register("a", lines_K), s.register("b", lines_K))
    s.trap(Trap.INDEX, lines_K, mass_BK * truth_BK2[..., 0])
    s.go_on(lines_K, mass_BK * truth_BK2[..., 1])


def _call(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    depth, lines = s.reach.depth, s.pc_BL.shape[1]
    room_B1 = s.old.sp_BS[:, :depth].sum(1, keepdim=True)
    size_KP = s.fields.b_LX[lines_K, : s.reach.frame + 1]
    frame_BKP = torch.zeros(*mass_BK.shape, s.reach.frame + 1, dtype=mass_BK.dtype, device=mass_BK.device)
    for fp in range(s.reach.frame + 1):
        shifted_KP = torch.nn.functional.pad(size_KP, (fp, 0))[:, : s.reach.frame + 1]
        frame_BKP = frame_BKP + s.old.fp_BP[:, None, fp, None] * shifted_KP
    goes_BK = mass_BK * room_B1 * frame_BKP.sum(-1)
    s.trap(Trap.STACK, lines_K, mass_BK - goes_BK)
    follow_KL = one_hot((lines_K + 1).clamp(max=lines - 1), lines).to(mass_BK.dtype)
    share_B = goes_BK.sum(1)
    at_BKD = goes_BK[..., None] * (s.old.sp_BS[:, :depth] / torch.where(room_B1 > 0, room_B1, 1.0))[:, None]
    level_BD = at_BKD.sum(1)
    s.replace("stack_pc_BDL", level_BD, torch.einsum("bkd,kl->bdl", at_BKD, follow_KL))
    s.replace("stack_fp_BDP", level_BD, level_BD[..., None] * s.old.fp_BP[:, None])
    s.replace("stack_hp_BDH", level_BD, level_BD[..., None] * s.old.hp_BH[:, None])
    up_BS = torch.nn.functional.pad(level_BD, (1, 0))
    s.replace("sp_BS", share_B, up_BS)
    s.replace("fp_BP", share_B, torch.einsum("bk,bkp->bp", mass_BK * room_B1, frame_BKP))
    s.jump(goes_BK, s.fields.a_LX[lines_K, :lines])


def _return(s: _Step, lines_K: Tensor, mass_BK: Tensor) -> None:
    s.trap(Trap.STACK, lines_K, mass_BK * s.old.sp_BS[:, :1])
    level_BD = s.old.sp_BS[:, 1:]
    goes_BK = mass_BK * level_BD.sum(1, keepdim=True)
    share_B = mass_BK.sum(1)
    s.pc_BL = s.pc_BL + share_B[:, None] * torch.einsum("bd,bdl->bl", level_BD, s.old.stack_pc_BDL)
    s.replace("fp_BP", goes_BK.sum(1), share_B[:, None] * torch.einsum("bd,bdp->bp", level_BD, s.old.stack_fp_BDP))
    s.replace("sp_BS", goes_BK.sum(1), share_B[:, None] * torch.nn.functional.pad(level_BD, (0, 1)))
    restores_BK = goes_BK * s.fields.a_LX[lines_K, 0]
    heap_BH = torch.einsum("bd,bdh->bh", level_BD, s.old.stack_hp_BDH)
    s.replace("hp_BH", restores_BK.sum(1), (mass_BK * s.fields.a_LX[lines_K, 0]).sum(1)[:, None] * heap_BH)


ACTIONS: dict[Opcode, Callable[[_Step, Tensor, Tensor], None]] = {
    Opcode.HALT: _halt,
    Opcode.TRAP: _trap,
    Opcode.TICK: _tick,
    Opcode.JUMP: _jump,
    Opcode.JUMP_ZERO: _jump_if(True),
    Opcode.JUMP_NONZERO: _jump_if(False),
    Opcode.CALL: _call,
    Opcode.RETURN: _return,
    Opcode.CONSTANT: _constant,
    Opcode.MOVE: _move,
    Opcode.LOAD: _load,
    Opcode.STORE: _store,
    Opcode.LOAD_FRAME: _load_frame,
    Opcode.STORE_FRAME: _store_frame,
    Opcode.ALLOCATE: _allocate,
    Opcode.BOUND: _bound,
    **{opcode: _word_op(opcode) for opcode in (*BINARY, *UNARY)},
}


def step(
    program: Program, fields_: Fields, state: DenseState, budget_B: Tensor, temperature: Temperature = HARD
) -> DenseState:
    """The state after one step of every line's share."""
    under_way = _Step(program, Reach.of(program), fields_, state, budget_B)
    for opcode, action in ACTIONS.items():
        found = under_way.lines(opcode)
        if found is not None:
            action(under_way, *found)
    return under_way.finished(temperature)


# --- whole runs ------------------------------------------------------------------------------------------------------


def blank(program: Program, batch: int, like: Tensor) -> DenseState:
    """The state at line 0 with everything 0, in the dtype and on the device of `like`."""
    sizes, reach, lines, words = program.sizes, Reach.of(program), len(program.code), 1 << program.sizes.width

    def zero(*shape: int) -> Tensor:
        """Distributions all on 0."""
        index = torch.zeros(batch, *shape[:-1], dtype=torch.int64, device=like.device)
        return one_hot(index, shape[-1]).to(like.dtype)

    return DenseState(
        zero(lines), zero(sizes.registers, words), zero(sizes.memory, words), zero(sizes.memory + 1),
        zero(reach.frame, words), zero(reach.frame + 1), zero(reach.depth, lines), zero(reach.depth, reach.frame + 1),
        zero(reach.depth, sizes.memory + 1), zero(reach.depth + 1), like.new_zeros(batch), like.new_ones(batch),
        zero(max(Trap) + 1),
    )  # fmt: skip


def states(
    program: Program, fields_: Fields, start: DenseState, budget: int, temperature: Temperature = HARD,
    most: int | None = None,
) -> Iterator[DenseState]:  # fmt: skip
    """Every state from the first until all mass has halted, or `most` steps were made."""
    budget_B = torch.full_like(start.ticks_B, budget)
    state, steps = start, 0
    yield state
    settled = 0.0 if temperature.mode == "hard" else SETTLED
    while float(state.running_B.detach().amax() if len(state.running_B) else 0) > settled:
        if most is not None and steps >= most:
            return
        state = step(program, fields_, state, budget_B, temperature)
        steps += 1
        yield state


def hard_start(program: Program, batch: Sequence[list[Value]]) -> DenseState:
    """One-hot start states of hard arguments."""
    state = blank(program, len(batch), torch.zeros(()))
    words = 1 << program.sizes.width
    registers, memory, hp = state.registers_BRN.clone(), state.memory_BMN.clone(), torch.zeros_like(state.hp_BH)
    for row, arguments in enumerate(batch):
        program.check_arguments(arguments)
        heap, register = 0, 0
        for value in arguments:
            for word in [heap % words, len(value)] if isinstance(value, list) else [value]:
                registers[row, register] = one_hot(torch.tensor(word), words)
                register += 1
            for word in value if isinstance(value, list) else []:
                memory[row, heap] = one_hot(torch.tensor(word), words)
                heap += 1
        hp[row, heap] = 1
    return replace(state, registers_BRN=registers, memory_BMN=memory, hp_BH=hp)


def run(program: Program, batch: Sequence[list[Value]], budget: int = DEFAULT_BUDGET) -> list[Result]:
    """Hard runs through the differentiable step. Raises CapacityError when that is too large."""
    check(program)
    capacity(program, len(batch))
    fields_, steps_B = hard_fields(program), torch.zeros(len(batch))
    last = hard_start(program, batch)
    with torch.no_grad():
        for state in states(program, fields_, last, budget):
            steps_B, last = steps_B + state.running_B, state
    return [_result(program, plain(program, last, row), int(steps_B[row])) for row in range(len(batch))]


def trace(program: Program, arguments: list[Value], budget: int = DEFAULT_BUDGET) -> list[State]:
    """Every state of one hard run, as plain values."""
    check(program)
    capacity(program, 1)
    with torch.no_grad():
        return [
            plain(program, s) for s in states(program, hard_fields(program), hard_start(program, [arguments]), budget)
        ]


def plain(program: Program, state: DenseState, row: int = 0) -> State:
    """One sample's hard state. Raises ArithmeticError when a component is not one-hot to the bit."""
    for part in fields(DenseState):
        values = getattr(state, part.name)[row]
        if part.name[-1] != "B" and not is_onehot(values):
            raise ArithmeticError(f"{part.name} of a hard run is not one-hot")
    sizes = program.sizes
    frame = tuple(state.frame_BFN[row].argmax(-1).tolist())
    height = int(state.sp_BS[row].argmax())
    levels = zip(
        state.stack_pc_BDL[row].argmax(-1).tolist(), state.stack_fp_BDP[row].argmax(-1).tolist(),
        state.stack_hp_BDH[row].argmax(-1).tolist(),
    )  # fmt: skip
    return State(
        int(state.pc_BL[row].argmax()),
        tuple(state.registers_BRN[row].argmax(-1).tolist()),
        tuple(state.memory_BMN[row].argmax(-1).tolist()),
        int(state.hp_BH[row].argmax()),
        frame + (0,) * (sizes.frame - len(frame)),
        int(state.fp_BP[row].argmax()),
        tuple(levels)[:height],
        int(state.ticks_B[row]),
        bool(state.running_B[row] == 0),
        int(state.trap_BT[row].argmax()),
    )


def is_onehot(values: Tensor) -> bool:
    """Every vector along the last dimension has one 1, and exact zeros beside it."""
    return bool((((values == 0) | (values == 1)).all(-1) & (values.sum(-1) == 1)).all())


def _result(program: Program, state: State, steps: int) -> Result:
    if state.trap:
        place = program.positions[state.pc] if program.positions else None
        return Result(None, state.ticks, steps, TrapReport(Trap(state.trap), place))
    value: Value = state.registers[0]
    if program.signature.result == "array":
        value = list(state.memory[state.registers[0] : state.registers[0] + state.registers[1]])
    return Result(value, state.ticks, steps)
