"""A text from its first block to its last: told, held against what was typed before, and judged."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explain.causes.notes.beliefs import judged
from explain.causes.notes.derived import derived
from explain.causes.notes.item import FAILURES, TRIED, Item, Study, host_item
from explain.causes.notes.picture import Picture
from explain.causes.notes.runs import diagnosed, tells
from explain.causes.notes.shown import show
from explain.causes.notes.telling.blocks import did, says
from explain.causes.notes.translated import confirmed, listed, remembered
from explain.causes.notes.unseen import unseen
from explain.symptoms.changes.typed import hosts_changed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from explain.causes.diagnosis import Diagnosis
    from explain.exchanges.over_places.nat_translation import NatTranslation
    from explain.symptoms.notes import NoteBlock, Notes

_MOST_DIAGNOSES = 200
MOST_ITEMS = 20_000
_MOST_PARTS = 40


def study(notes: Notes, capture: int = 0, translations: Sequence[NatTranslation] = ()) -> Study:
    """Everything that one text tells.

    Args:
        notes: the text, read.
        capture: index of the file among the inputs.
        translations: what was rewritten, as the listings of this text and whatever else was given show it.
    """
    picture = Picture()
    diagnoses: list[tuple[NoteBlock, Diagnosis]] = []
    frames = _frames(notes)
    told, begun = _replayed(notes, picture, diagnoses, frames)
    items = _mended(told, notes, diagnoses)
    items += derived(notes)
    items += judged(notes, picture, diagnoses)
    confirmations = list(confirmed(notes, picture, listed(notes, frames, translations, capture) + remembered(notes)))
    items += [item for _, item in confirmations]
    items.sort(key=lambda item: (item.spans[0][0] if item.spans else 1 << 30, 0))
    items += unseen(notes, diagnoses, [change for change, _ in confirmations])
    return Study(capture, notes, picture, begun or picture, tuple(items), tuple(diagnoses), frames)


def _frames(notes: Notes) -> dict[int, tuple[int, int]]:
    """For each block that lists packets its number, and the first and last of their numbers in the whole text."""
    frames: dict[int, tuple[int, int]] = {}
    count = 0
    for number, block in enumerate(notes.blocks):
        if block.packets:
            frames[number] = (count + 1, count + len(block.packets))
            count += len(block.packets)
    return frames


def _replayed(
    notes: Notes, picture: Picture, diagnoses: list[tuple[NoteBlock, Diagnosis]], frames: dict[int, tuple[int, int]]
) -> tuple[list[Item], Picture | None]:
    """What each block says, while the picture grows; and the picture before the first try.

    A try is judged by all that is shown of the hosts until the next of them is changed.
    """
    begun: Picture | None = None
    items: list[Item] = []
    pending: list[tuple[int, NoteBlock]] = []
    tried: list[tuple[int, NoteBlock]] = []
    for number, block in enumerate(notes.blocks):
        if begun is None and block.kind in TRIED:
            begun = deepcopy(picture)
        if block.changes:
            pending.append((number, block))
        elif pending and block.kind != "prose":
            items += _built(pending)
            pending = []
        if block.command is not None and hosts_changed(block.command.text, block.node):
            items += _tried(picture, tried, diagnoses)
        items += _placed(_changed(picture, block), number, block)
        items += _placed(_shown(picture, block), number, block)
        if block.runs:
            tried.append((number, block))
        if number in frames:
            items += _placed(iter([_listing(block, frames[number])]), number, block)
        if len(items) > MOST_ITEMS:
            break
    items += _tried(picture, tried, diagnoses)
    return items + _built(pending), begun


def _mended(items: list[Item], notes: Notes, diagnoses: list[tuple[NoteBlock, Diagnosis]]) -> list[Item]:
    """The failures, with whether the same program reached the same target later on."""
    worked: dict[tuple[str | None, str], int] = {}
    for block, diagnosis in diagnoses:
        if diagnosis.is_success:
            worked |= {(block.node, run.target): block.span[0] for run in block.runs if run.target}

    def judged_again(item: Item) -> Item:
        if item.name not in FAILURES or item.block is None:
            return item
        node = notes.blocks[item.block].node
        later = worked.get((node, item.values["target"]), -1)
        return replace(item, values={**item.values, "is_mended": later > item.spans[0][1]})

    return [judged_again(item) for item in items]


def _placed(found: Iterator[Item], number: int, block: NoteBlock) -> Iterator[Item]:
    for item in found:
        yield replace(item, spans=item.spans or (block.span,), block=number)


def _built(pending: list[tuple[int, NoteBlock]]) -> list[Item]:
    """Commands in a row, told in one breath."""
    if not pending:
        return []
    parts = [did(change) for _, block in pending for change in block.changes]
    if len(parts) > _MOST_PARTS:
        parts = [*parts[:_MOST_PARTS], Item("did.more", {"count": len(parts) - _MOST_PARTS})]
    spans = ((pending[0][1].span[0], pending[-1][1].span[1]),)
    name = "built.one" if len(parts) == 1 else "built.many"
    return [Item(name, {"parts": parts}, spans, pending[0][0])]


def _changed(picture: Picture, block: NoteBlock) -> Iterator[Item]:
    """What a command changes, unless the text shows that it was refused; and what is wrong with its order."""
    for refusal in block.refusals:
        values: dict[str, Any] = {
            "host": host_item(block.node),
            "name": refusal.values.get("name") or "?",
            "text": refusal.text,
        }
        yield Item(f"trouble.refused-{refusal.id}", values, ((refusal.line, refusal.line),))
    if block.refusals:
        return
    node = block.node
    is_new = node is not None and node not in picture.hosts
    if is_new and _is_namespace(block) and any(host.is_built for host in picture.hosts.values()):
        yield Item("trouble.namespace-not-made", {"name": node})
    elif node is not None and node in picture.hosts and picture.hosts[node].is_removed and _is_namespace(block):
        yield Item("trouble.namespace-gone", {"name": node})
    for change in block.changes:
        wrong = picture.apply(change)
        if wrong is not None:
            values = {"host": host_item(change.node), "interface": "?", "name": "?", **change.values}
            values |= {"interface": change.values.get("dev") or change.values.get("name") or "?"}
            values["gateway"] = change.values.get("gateway") or "?"
            yield Item(f"trouble.order-{wrong}", values)


def _is_namespace(block: NoteBlock) -> bool:
    text = block.command.text if block.command else ""
    return "netns exec" in text or " -n " in text or "-netns" in text


def _shown(picture: Picture, block: NoteBlock) -> Iterator[Item]:
    if block.rows:
        if not block.changes:
            yield from says(block)
        yield from show(picture, block)


def _tried(
    picture: Picture, tried: list[tuple[int, NoteBlock]], diagnoses: list[tuple[NoteBlock, Diagnosis]]
) -> list[Item]:
    """What programs showed, and why, by the picture as it is now; nothing is left to be judged."""
    items: list[Item] = []
    for number, block in tried:
        for run in block.runs:
            diagnosis = diagnosed(picture, run) if len(diagnoses) < _MOST_DIAGNOSES else None
            if diagnosis is not None:
                diagnoses.append((block, diagnosis))
            spans = _span_of(run) or block.span
            items += (replace(item, spans=(spans,), block=number) for item in tells(run, diagnosis))
    tried.clear()
    return items


def _span_of(run: Any) -> tuple[int, int] | None:
    numbers = [each.line for each in run.symptoms]
    return (min(numbers), max(numbers)) if numbers else None


def _listing(block: NoteBlock, frames: tuple[int, int]) -> Item:
    values = {"host": host_item(block.node), "first": frames[0], "last": frames[1], "count": len(block.packets)}
    interface = block.command.interface if block.command else None
    return Item("shows.packets-at" if interface else "shows.packets", values | {"interface": interface})
