"""A lab file written from its table: the inverse of ``read``; what no lab can be is left out and named."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from explain.errors import InputError
from explain.lab.read import from_table

Table = dict[str, Any]


def checked(table: Table, where: str) -> tuple[str, list[InputError]]:
    """The text of a lab file, and complaints about what had to be left out of it.

    Args:
        table: as a lab file parses; steps may have a ``line`` that is only for people.
        where: how complaints name the source.

    Raises:
        LabFileError: not even the nodes and links can be a lab.
    """
    complaints: list[InputError] = []
    kept: Table = {**table, "fault": [], "steps": []}
    nodes = kept["nodes"] = {name: dict(node) for name, node in table["nodes"].items()}
    for node in nodes.values():
        for key in ("routes", "rules", "sysctl"):
            value = node.pop(key, None)
            for one in value.items() if isinstance(value, dict) else value or ():
                before = node.get(key)
                node[key] = {**(before or {}), one[0]: one[1]} if isinstance(value, dict) else [*(before or []), one]
                if not _holds(kept, where, complaints):
                    node[key] = before
                    if not before:
                        del node[key]
    for key in ("fault", "steps"):
        for one in table[key]:
            kept[key].append({name: value for name, value in one.items() if name != "line"})
            if not _holds(kept, where, complaints):
                kept[key].pop()
    text = written(kept)
    from_table(tomllib.loads(text), "notes", where, text)
    return text, complaints


def _holds(table: Table, where: str, complaints: list[InputError]) -> bool:
    try:
        from_table(table, "notes", where, "")
    except InputError as error:
        complaints.append(error)
        return False
    return True


def written(table: Table) -> str:
    """The table as TOML, in the order in which lab files are read."""
    lines = ["schema = 1", *(f"{key} = {_value(table[key])}" for key in ("chapter", "title", "ipv6", "links"))]
    for name, node in table["nodes"].items():
        lines += ["", f"[nodes.{name}]"]
        for key, value in node.items():
            if key == "interfaces":
                lines += [f"interfaces.{nic} = {_value(one)}" for nic, one in value.items()]
            else:
                lines.append(f"{key} = {_value(value)}")
    for key in ("fault", "steps"):
        for one in table[key]:
            lines += ["", f"[[{key}]]", *(f"{name} = {_value(value)}" for name, value in one.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
