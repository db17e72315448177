"""One step of the dense machine: for every line, what that line would do, mixed by the mass that stands on it.

A step reads the old state only and collects, for each component, how much of it gives way and to what. Mass goes on,
jumps, halts or traps, and none is lost: what an instruction cannot do with its operands traps as the op table says, and
mass of a soft operand on numbers that are none of its kind (a register past the last, say) traps `invalid`.

May assume distributions in every component; on one-hot states all of it is sums of products of exact zeros and ones.
Called by `dense`. Legend: B samples, L lines, X = 2·L places (a line, running or halted), K lines of one opcode,
R registers, M memory cells, N words, F frame cells in reach, D depth, H = M + 1 heap positions, P = F + 1 frame
positions, S = D + 1 stack heights, T trap numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import one_hot, pad

from ncl.language.opcodes import BINARY, OPERANDS, UNARY, Kind, Opcode, Trap
from ncl.language.program import Program
from ncl.machine.circuits import onehot
from ncl.machine.fields import Fields
from ncl.machine.temperature import HARD, Temperature


@dataclass(frozen=True)
class DenseState:
    """Distributions, one per component. The pc and the halt flag are one, so that mass which halted stays where it is:
    were they independent, what halted at one line would run on, and what runs elsewhere would halt."""

    pc_BX: Tensor  # first the mass that runs at each line, then the mass that halted there
    registers_BRN: Tensor
    memory_BMN: Tensor
    hp_BH: Tensor
    frame_BFN: Tensor
    fp_BP: Tensor
    stack_pc_BDL: Tensor
    stack_fp_BDP: Tensor
    stack_hp_BDH: Tensor
    sp_BS: Tensor
    ticks_B: Tensor  # expected number
    trap_BT: Tensor  # mass by trap number; 0: none

    @property
    def running_BL(self) -> Tensor:
        """Mass that runs at each line, shape (B, L)."""
        return self.pc_BX[:, : self.pc_BX.shape[1] // 2]

    @property
    def halted_BL(self) -> Tensor:
        """Mass that has halted at each line, shape (B, L)."""
        return self.pc_BX[:, self.pc_BX.shape[1] // 2 :]

    @property
    def running_B(self) -> Tensor:
        """Mass that has not halted, shape (B,)."""
        return self.running_BL.sum(1)


# All of them are distributions along their last dimension; ticks alone are a number.
COMPONENTS = tuple(f.name for f in fields(DenseState) if f.name != "ticks_B")


@dataclass(frozen=True)
class Reach:
    """How much of frame memory and call stack the program can use; nothing else is carried.

    An opcode that is a hole gets no more than the instructions that are none.
    """

    frame: int
    depth: int

    @staticmethod
    def of(program: Program) -> Reach:
        """The bounds that the instructions of a program give."""
        calls = [i.b for i in program.code if i.opcode == Opcode.CALL]
        returns = any(i.opcode == Opcode.RETURN for i in program.code)
        slots = [i.b for i in program.code if i.opcode in (Opcode.LOAD_FRAME, Opcode.STORE_FRAME)]
        depth = program.sizes.depth if calls or returns else 0
        # A call that no depth allows still names its size: it traps `stack`, not as an instruction that is none.
        need = max(calls, default=0) * max(depth, 1) + max(slots, default=-1) + 1
        return Reach(min(program.sizes.frame, need), depth)


@dataclass(frozen=True)
class Lines:
    """The lines that may hold one opcode: what a step needs of program memory, worked out once a run."""

    opcode: Opcode
    number_K: Tensor
    share_K: Tensor  # of the opcode, with operands that are possible
    impossible_K: Tensor | None  # of the opcode, with operands that are not; None when there is none
    operands: tuple[Tensor, ...]  # a, b, c: distributions K×(as many as there are of its kind)


def lines_of(program: Program, memory: Fields) -> tuple[Lines, ...]:
    """Of every opcode that some line may hold."""
    sizes, reach = program.sizes, Reach.of(program)
    limits = {
        Kind.TARGET: sizes.registers, Kind.SOURCE: sizes.registers, Kind.WORD: 1 << sizes.width,
        Kind.LINE: len(program.code), Kind.SLOT: reach.frame, Kind.SIZE: reach.frame + 1,
        Kind.TRAP: max(Trap) + 1, Kind.FLAG: 2,
    }  # fmt: skip
    found = []
    for opcode in ACTIONS:
        share_L = memory.opcode_LO[:, int(opcode)]
        number_K = (share_L > 0).nonzero().squeeze(1)
        if not len(number_K):
            continue
        share_K, operands = share_L[number_K], []
        possible_K = torch.ones_like(share_K)
        for name, kind in zip("abc", OPERANDS[opcode]):
            field_KX = getattr(memory, f"{name}_LX")[number_K, : limits[kind]]
            if kind is Kind.TRAP:
                field_KX = field_KX * (torch.arange(field_KX.shape[1], device=field_KX.device) > 0)
            mass_K = field_KX.sum(1)
            possible_K = possible_K * mass_K
            operands.append(field_KX / torch.where(mass_K > 0, mass_K, 1.0)[:, None])
        impossible_K = share_K * (1 - possible_K) if bool((possible_K != 1).any()) else None
        found.append(Lines(opcode, number_K, share_K * possible_K, impossible_K, tuple(operands)))
    return tuple(found)


@dataclass(frozen=True)
class _At:
    """The lines of one opcode with the mass that executes each."""

    lines_K: Tensor
    mass_BK: Tensor
    operands: tuple[Tensor, ...]


class _Step:
    """One step under way: what lines read, and the sums that make the next state."""

    def __init__(self, program: Program, state: DenseState, budget_B: Tensor) -> None:
        self.sizes, self.old = program.sizes, state
        self.reach = Reach(state.frame_BFN.shape[1], state.sp_BS.shape[1] - 1)
        self.spent_B = (state.ticks_B >= budget_B).to(state.pc_BX.dtype)
        self.running_BL, self.halted_BL = torch.zeros_like(state.running_BL), state.halted_BL
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}  # component → (mass replaced, replacement)
        self.ticks_B = state.ticks_B
        self.traps: dict[Trap, Tensor] = {}

    def at(self, lines: Lines) -> _At | None:
        """These lines with their mass, None when none stands there. Mass with impossible operands traps here."""
        under_way_BK = self.old.running_BL[:, lines.number_K]
        # Where no gradient needs what mass there would have done, lines without any add exact zeros.
        if not under_way_BK.requires_grad and not bool(under_way_BK.any()):
            return None
        if lines.impossible_K is not None:
            self.trap(Trap.INVALID, lines.number_K, under_way_BK * lines.impossible_K)
        return _At(lines.number_K, under_way_BK * lines.share_K, lines.operands)

    def register(self, field_KR: Tensor) -> Tensor:
        """The distribution in the register that an operand names, B×K×N."""
        return field_KR @ self.old.registers_BRN

    def replace(self, component: str, mass: Tensor, value: Tensor) -> None:
        """This mass of a component gives way to these values (which already carry their mass)."""
        before = self.sums.get(component)
        self.sums[component] = (mass, value) if before is None else (before[0] + mass, before[1] + value)

    def write_register(self, at: _At, value_BKN: Tensor) -> Tensor:
        """Write to register a; mass that the value lacks has trapped. Returns the mass that goes on."""
        goes_BK = at.mass_BK * value_BKN.sum(-1)
        target_RK = at.operands[0].T
        self.replace("registers_BRN", goes_BK @ at.operands[0], target_RK @ (at.mass_BK[..., None] * value_BKN))
        return goes_BK

    def trap(self, kind: Trap, lines_K: Tensor, mass_BK: Tensor) -> None:
        """This mass halts where it stands."""
        self.stop(lines_K, mass_BK)
        self.traps[kind] = self.traps.get(kind, 0) + mass_BK.sum(1)

    def stop(self, lines_K: Tensor, mass_BK: Tensor) -> None:
        self.halted_BL = self.halted_BL.index_add(1, lines_K, mass_BK)

    def go_on(self, lines_K: Tensor, mass_BK: Tensor) -> None:
        """This mass moves to the next line. On the last line none is left to move, in a well-formed program."""
        count = self.running_BL.shape[1]
        self.running_BL = self.running_BL.index_add(1, (lines_K + 1).clamp(max=count - 1), mass_BK)

    def jump(self, mass_BK: Tensor, target_KL: Tensor) -> None:
        self.running_BL = self.running_BL + mass_BK @ target_KL

    def finished(self, temperature: Temperature) -> DenseState:
        """The next state, every component of it sharpened."""
        changed = {name: getattr(self.old, name) for name in COMPONENTS}
        for name, (mass, value) in self.sums.items():
            changed[name] = changed[name] * (1 - mass)[..., None] + value
        changed["pc_BX"] = torch.cat([self.running_BL, self.halted_BL], 1)
        old_BT = self.old.trap_BT
        columns = [old_BT[:, int(k)] + self.traps[k] if k in self.traps else old_BT[:, int(k)] for k in Trap]
        trapped_BT = torch.stack(columns, 1)
        changed["trap_BT"] = torch.cat([1 - trapped_BT.sum(1, keepdim=True), trapped_BT], 1)
        return DenseState(**{name: temperature.sharpen(value) for name, value in changed.items()}, ticks_B=self.ticks_B)


# --- what each opcode does -------------------------------------------------------------------------------------------


def _halt(s: _Step, at: _At) -> None:
    s.stop(at.lines_K, at.mass_BK)


def _trap(s: _Step, at: _At) -> None:
    for kind in Trap:
        s.trap(kind, at.lines_K, at.mass_BK * at.operands[0][:, int(kind)])


def _tick(s: _Step, at: _At) -> None:
    s.trap(Trap.BUDGET, at.lines_K, at.mass_BK * s.spent_B[:, None])
    goes_BK = at.mass_BK * (1 - s.spent_B)[:, None]
    s.ticks_B = s.ticks_B + goes_BK.sum(1)
    s.go_on(at.lines_K, goes_BK)


def _jump(s: _Step, at: _At) -> None:
    s.jump(at.mass_BK, at.operands[0])


def _jump_if(zero: bool) -> Callable[[_Step, _At], None]:
    def act(s: _Step, at: _At) -> None:
        word_BKN = s.register(at.operands[0])
        zero_BK, other_BK = word_BKN[..., 0], word_BKN[..., 1:].sum(-1)
        jumps_BK, stays_BK = (zero_BK, other_BK) if zero else (other_BK, zero_BK)
        s.jump(at.mass_BK * jumps_BK, at.operands[1])
        s.go_on(at.lines_K, at.mass_BK * stays_BK)

    return act


def _constant(s: _Step, at: _At) -> None:
    s.go_on(at.lines_K, s.write_register(at, at.operands[1].expand(len(at.mass_BK), -1, -1)))


def _move(s: _Step, at: _At) -> None:
    s.go_on(at.lines_K, s.write_register(at, s.register(at.operands[1])))


def _word_op(opcode: Opcode) -> Callable[[_Step, _At], None]:
    def act(s: _Step, at: _At) -> None:
        operands = [s.register(field) for field in at.operands[1:]]
        flat = onehot.CIRCUITS[opcode](*(o.reshape(-1, o.shape[-1]) for o in operands))
        if opcode in onehot.DIVISIONS:
            s.trap(Trap.DIVISION, at.lines_K, at.mass_BK * onehot.trapped(opcode, *operands))
        s.go_on(at.lines_K, s.write_register(at, flat.reshape(operands[0].shape)))

    return act


def _cells(s: _Step, at: _At) -> Tensor:
    """Distribution over memory cells of register b + register c, B×K×M; the rest traps."""
    base_BKN, index_BKN = s.register(at.operands[1]), s.register(at.operands[2])
    flat = onehot.CIRCUITS[Opcode.ADD](*(o.reshape(-1, o.shape[-1]) for o in (base_BKN, index_BKN)))
    address_BKN = flat.reshape(base_BKN.shape)
    s.trap(Trap.INDEX, at.lines_K, at.mass_BK * address_BKN[..., s.sizes.memory :].sum(-1))
    return address_BKN[..., : s.sizes.memory]


def _load(s: _Step, at: _At) -> None:
    value_BKN = torch.einsum("bkm,bmn->bkn", _cells(s, at), s.old.memory_BMN)
    s.go_on(at.lines_K, s.write_register(at, value_BKN))


def _store(s: _Step, at: _At) -> None:
    at_BKM = at.mass_BK[..., None] * _cells(s, at)
    s.replace("memory_BMN", at_BKM.sum(1), torch.einsum("bkm,bkn->bmn", at_BKM, s.register(at.operands[0])))
    s.go_on(at.lines_K, at_BKM.sum(-1))


def _slots(s: _Step, at: _At) -> Tensor:
    """Distribution over frame cells fp + b in reach, B×K×F; well-formed programs have no other mass."""
    size = s.reach.frame
    cell_BKF = torch.zeros(*at.mass_BK.shape, size, dtype=at.mass_BK.dtype, device=at.mass_BK.device)
    for fp in range(size):
        cell_BKF = cell_BKF + s.old.fp_BP[:, None, fp, None] * pad(at.operands[1], (fp, 0))[:, :size]
    s.trap(Trap.INVALID, at.lines_K, at.mass_BK * (1 - cell_BKF.sum(-1)))
    return cell_BKF


def _load_frame(s: _Step, at: _At) -> None:
    value_BKN = torch.einsum("bkf,bfn->bkn", _slots(s, at), s.old.frame_BFN)
    s.go_on(at.lines_K, s.write_register(at, value_BKN))


def _store_frame(s: _Step, at: _At) -> None:
    at_BKF = at.mass_BK[..., None] * _slots(s, at)
    s.replace("frame_BFN", at_BKF.sum(1), torch.einsum("bkf,bkn->bfn", at_BKF, s.register(at.operands[0])))
    s.go_on(at.lines_K, at_BKF.sum(-1))


def _allocate(s: _Step, at: _At) -> None:
    count_BKN, memory = s.register(at.operands[1]), s.sizes.memory
    words = count_BKN.shape[-1]
    after_BKH = torch.zeros(*at.mass_BK.shape, memory + 1, dtype=at.mass_BK.dtype, device=at.mass_BK.device)
    base_BKN = torch.zeros_like(count_BKN)
    for hp in range(memory + 1):
        here_B1 = s.old.hp_BH[:, hp, None]
        fits_BKC = count_BKN[..., : memory + 1 - hp]
        after_BKH = after_BKH + pad(here_B1[..., None] * fits_BKC, (hp, memory + 1 - hp - fits_BKC.shape[-1]))
        word_N = one_hot(torch.tensor(hp % words, device=at.mass_BK.device), words).to(at.mass_BK.dtype)
        base_BKN = base_BKN + (here_B1 * fits_BKC.sum(-1))[..., None] * word_N
    goes_BK = s.write_register(at, base_BKN)
    s.trap(Trap.MEMORY, at.lines_K, at.mass_BK * (1 - base_BKN.sum(-1)))
    s.replace("hp_BH", goes_BK.sum(1), torch.einsum("bk,bkh->bh", at.mass_BK, after_BKH))
    s.go_on(at.lines_K, goes_BK)


def _bound(s: _Step, at: _At) -> None:
    truth_BK2 = onehot.compare(Opcode.LESS, s.register(at.operands[0]), s.register(at.operands[1]))
    s.trap(Trap.INDEX, at.lines_K, at.mass_BK * truth_BK2[..., 0])
    s.go_on(at.lines_K, at.mass_BK * truth_BK2[..., 1])


def _call(s: _Step, at: _At) -> None:
    depth, lines, size = s.reach.depth, s.running_BL.shape[1], s.reach.frame + 1
    room_B1 = s.old.sp_BS[:, :depth].sum(1, keepdim=True)
    frame_BKP = torch.zeros(*at.mass_BK.shape, size, dtype=at.mass_BK.dtype, device=at.mass_BK.device)
    for fp in range(size):
        frame_BKP = frame_BKP + s.old.fp_BP[:, None, fp, None] * pad(at.operands[1], (fp, 0))[:, :size]
    goes_BK = at.mass_BK * room_B1 * frame_BKP.sum(-1)
    s.trap(Trap.STACK, at.lines_K, at.mass_BK - goes_BK)
    follow_KL = one_hot((at.lines_K + 1).clamp(max=lines - 1), lines).to(at.mass_BK.dtype)
    share_B = goes_BK.sum(1)
    at_BKD = goes_BK[..., None] * (s.old.sp_BS[:, :depth] / torch.where(room_B1 > 0, room_B1, 1.0))[:, None]
    level_BD = at_BKD.sum(1)
    s.replace("stack_pc_BDL", level_BD, torch.einsum("bkd,kl->bdl", at_BKD, follow_KL))
    s.replace("stack_fp_BDP", level_BD, level_BD[..., None] * s.old.fp_BP[:, None])
    s.replace("stack_hp_BDH", level_BD, level_BD[..., None] * s.old.hp_BH[:, None])
    s.replace("sp_BS", share_B, pad(level_BD, (1, 0)))
    s.replace("fp_BP", share_B, torch.einsum("bk,bkp->bp", at.mass_BK * room_B1, frame_BKP))
    s.jump(goes_BK, at.operands[0])


def _return(s: _Step, at: _At) -> None:
    s.trap(Trap.STACK, at.lines_K, at.mass_BK * s.old.sp_BS[:, :1])
    level_BD = s.old.sp_BS[:, 1:]
    goes_BK = at.mass_BK * level_BD.sum(1, keepdim=True)
    share_B = at.mass_BK.sum(1)
    s.running_BL = s.running_BL + share_B[:, None] * torch.einsum("bd,bdl->bl", level_BD, s.old.stack_pc_BDL)
    s.replace("fp_BP", goes_BK.sum(1), share_B[:, None] * torch.einsum("bd,bdp->bp", level_BD, s.old.stack_fp_BDP))
    s.replace("sp_BS", goes_BK.sum(1), share_B[:, None] * pad(level_BD, (0, 1)))
    restores_K = at.operands[0][:, 0]
    heap_BH = torch.einsum("bd,bdh->bh", level_BD, s.old.stack_hp_BDH)
    s.replace("hp_BH", (goes_BK * restores_K).sum(1), (at.mass_BK * restores_K).sum(1)[:, None] * heap_BH)


ACTIONS: dict[Opcode, Callable[[_Step, _At], None]] = {
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
    program: Program, lines: tuple[Lines, ...], state: DenseState, budget_B: Tensor, temperature: Temperature = HARD
) -> DenseState:
    """The state after one step of every line's share; `lines` are `lines_of` the program, budget_B is in ticks."""
    under_way = _Step(program, state, budget_B)
    for group in lines:
        found = under_way.at(group)
        if found is not None:
            ACTIONS[group.opcode](under_way, found)
    return under_way.finished(temperature)
