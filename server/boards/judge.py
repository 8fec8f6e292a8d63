"""Pure: what becomes of a batch on a draft. Name known? policy, document."""

import logging
from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct

from server.boards.queue import Queue
from server.boards.submission import Accepted, Outcome, Submission
from server.boards.weight import weight_of
from server.document import BoardState, Draft, Intent, Limits, apply
from server.errors import BoardcastError, Internal, Unavailable
from server.model.records import Actor, Change, Patch
from server.policy import Policy

log = logging.getLogger(__name__)
MOST_BATCH = 2 << 20
"""About how many characters one append holds at most, and one change more: a store bounds what it takes at
once (MongoDB: 16 MB), and so does the way to the other instances."""
_NO_REFUSALS = {Accepted, type(None)}
SYSTEM = Actor("system", "Boardcast", "system")


class Verdict(Struct, frozen=True):
    """The `outcomes` of a batch, one each, in order, and the `changes` to be stored for them to hold.

    An outcome of None is still to come: judge it again when those before it are settled. `draft` is the state
    with the changes folded in.
    """

    draft: Draft
    outcomes: list[Outcome | None]
    changes: list[Change]

    def refused(self, batch: Sequence[Submission]) -> list[str]:
        """The names of what was refused for good: each may be in the log already."""
        pairs = zip(batch, self.outcomes, strict=True)
        return [
            s.name for s, o in pairs if isinstance(o, BoardcastError) and not o.retry and s.name is not None
        ]

    def amend(self, batch: Sequence[Submission], found: Mapping[str, int] | Unavailable) -> None:
        """Those of the refused that are `found` in the log had been accepted before. Could they not be looked
        up, that is the answer of them all.
        """
        for at, (submission, outcome) in enumerate(zip(batch, self.outcomes, strict=True)):
            if not isinstance(outcome, BoardcastError) or outcome.retry or submission.name is None:
                continue
            if isinstance(found, Unavailable):
                self.outcomes[at] = found
            elif submission.name in found:
                self.outcomes[at] = Accepted(found[submission.name], duplicate=True)

    @property
    def refuses(self) -> bool:
        return not _NO_REFUSALS.issuperset(map(type, self.outcomes))


class Rules(Struct, frozen=True):
    """What a batch is judged by. `epoch`, and how many `boards` there are: for one that is created."""

    policy: Policy
    limits: Limits
    now_ms: int
    epoch: str
    boards: int = 0


def judge(state: BoardState, batch: Sequence[Submission], known: Mapping[str, int], rules: Rules) -> Verdict:
    """Judge each submission on what the ones before it leave; one refusal answers that submission alone."""
    draft = Draft(state)
    verdict = Verdict(draft, [], [])
    names: dict[str, int] = {}
    stopped: dict[Queue | None, BoardcastError | None] = {}  # queues that wait, and their answer
    refused: set[Queue] = set()
    weight = 0
    for submission in batch:
        name = submission.name
        if weight > MOST_BATCH:
            verdict.outcomes.append(None)
            continue
        if stopped and submission.queue in stopped:
            verdict.outcomes.append(stopped[submission.queue])
            continue
        seq = None if name is None else known.get(name) or names.get(name)
        if seq is not None:
            verdict.outcomes.append(Accepted(seq, duplicate=True))
            continue
        try:
            change = _change(draft, submission, rules)
        except BoardcastError as refusal:
            verdict.outcomes.append(refusal)
            if submission.queue is not None:
                refused.add(submission.queue)
                if refusal.retry:
                    stopped[submission.queue] = refusal
            continue
        if refused and submission.queue in refused:
            # Were it stored with an unknown outcome, the refused one would come again and land behind it.
            stopped[submission.queue] = None
            verdict.outcomes.append(None)
            continue
        draft.replay(change)
        verdict.changes.append(change)
        weight += weight_of(change)
        verdict.outcomes.append(Accepted(change.seq))
        if name is not None:
            names[name] = change.seq
    return verdict


def _change(draft: Draft, submission: Submission, rules: Rules) -> Change:
    try:
        role = rules.policy.require(draft, submission.actor, submission.op, submission.grant, submission.whom)
        intent = Intent(
            actor=submission.actor,
            client=submission.client,
            role=role,
            at=max(rules.now_ms, draft.at),
            base=submission.base,
            epoch=rules.epoch,
            boards=rules.boards,
            digest=submission.digest or UNSET,
            limits=rules.limits,
        )
        return apply(draft, submission.command, intent, submission.mutation)
    except BoardcastError:
        raise
    except Exception as error:
        log.exception("a mutation could not be judged: %s on %s", submission.op, draft.board)
        raise Internal from error


def seal(draft: Draft, now_ms: int) -> Change:
    """A change that changes nothing. Once it is stored, whatever was to take its number can land no more."""
    change = Change(
        seq=draft.seq + 1,
        at=max(now_ms, draft.at),
        actor=SYSTEM,
        op="board.update",
        set=Patch(),
        was=Patch(),
        client=UNSET,
    )
    draft.replay(change)
    return change
