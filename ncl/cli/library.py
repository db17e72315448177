"""`ncl library`: the shipped programs, with what is known about each."""

from __future__ import annotations

from typing import Annotated

import typer

from ncl.cli.output import Json, Width, emit, table


def library(
    show: Annotated[str, typer.Argument(help="Print one program's source instead of the list.")] = "",
    width: Width = 16,
    as_json: Json = False,
) -> None:
    """List the library with verdicts (those already in the proof cache; `ncl verify --all` brings the others).

    Example: ncl library --json
    """
    from ncl import library as shipped
    from ncl.build import compile

    if show:
        function = shipped.get(show)
        if as_json:
            emit({"name": show, "source": function.text, "documentation": function.documentation})
        else:
            print(function.text, end="")
        return
    from ncl.verify.certification import prove

    rows = []
    for name in shipped.names():
        compiled = compile(name, width=width)
        rows.append(
            {
                "name": name,
                "signature": str(compiled.program.signature),
                "source_verdict": prove.known_source_verdict(compiled),
                "has_contract": bool(compiled.function.contract),
                "contract_verdict": prove.known_contract_verdict(compiled.function),
                "instructions": len(compiled.program.code),
                "documentation": compiled.function.documentation.strip().partition("\n")[0],
            }
        )
    if as_json:
        emit({"programs": rows})
        return
    table(
        f"library at width {width}",
        ["program", "signature", "instructions", "source = machine code", "contract", "what it does"],
        [
            [str(r["name"]), str(r["signature"]), str(r["instructions"]), str(r["source_verdict"] or "not verified"),
             str(r["contract_verdict"] or "not verified") if r["has_contract"] else "none", str(r["documentation"])]
            for r in rows
        ],
    )  # fmt: skip
