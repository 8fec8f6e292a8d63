"""Strategies for commands on few ids, so that they meet."""

from hypothesis import strategies as st
from msgspec import UNSET

from server.model import commands as c
from server.model import device_commands as d
from server.model.devices import Above, DoneWhen, Rule, Then, ThenCommand

tasks = st.sampled_from(["t1", "t2", "t3", "t4"])
columns = st.sampled_from(["todo", "doing", "done", "extra"])
labels = st.sampled_from(["l1", "l2"])
users = st.sampled_from(["ann", "bob", "cy"])
comments = st.sampled_from(["c1", "c2", "c3"])
items = st.sampled_from(["i1", "i2"])
texts = st.sampled_from(["one", "two", "three"])
anchors = st.just(UNSET) | st.none() | tasks
column_anchors = st.just(UNSET) | st.none() | columns
few_users = st.lists(users, max_size=2).map(tuple)
few_labels = st.lists(labels, max_size=2).map(tuple)
flags = st.booleans()
devices = st.sampled_from(["ann", "d1", "d2"])  # one is called as an actor is, who answers for it
rules = st.sampled_from(["r1", "r2"])
sent = st.sampled_from(["k1", "k2", "k3"])
times = st.integers(0, 2_000)  # the clock of the board begins at 1,000
waits = st.builds(
    DoneWhen, device=devices, metric=st.just("temp"), below=st.sampled_from([1.0, 2.0]), completes=flags
)
then_commands = st.just(UNSET) | st.builds(ThenCommand, name=st.just("stop"), expires_ms=st.just(1_000))
rule_of = st.builds(
    Rule,
    id=rules,
    device=st.just("*") | devices,
    metric=st.just("temp"),
    when=st.builds(Above, value=st.sampled_from([1.0, 2.0])),
    then=st.builds(Then, column=columns, title=texts, complete_on_clear=flags, command=then_commands),
)


def maybe(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.just(UNSET) | values


def commands() -> st.SearchStrategy[c.Command]:
    return st.one_of(
        st.builds(c.BoardUpdate, name=maybe(texts), description=maybe(texts)),
        st.builds(c.BoardArchive),
        st.builds(c.BoardRestore),
        st.builds(
            c.TaskCreate,
            task=tasks,
            title=texts,
            completed=flags,
            column=maybe(columns),
            after=anchors,
            labels=few_labels,
            assignees=few_users,
            due_at=st.none() | st.integers(0, 9),
            done_when=st.none() | waits,
        ),
        st.builds(
            c.TaskUpdate,
            task=tasks,
            title=maybe(texts),
            description=maybe(texts),
            completed=maybe(flags),
            due_at=maybe(st.none() | st.integers(0, 9)),
            device=maybe(st.none() | devices),
            done_when=maybe(st.none() | waits),
            labels_add=few_labels,
            labels_remove=few_labels,
            assignees_add=few_users,
            assignees_remove=few_users,
            column=maybe(columns),
            after=anchors,
        ),
        st.builds(c.TaskMove, task=tasks, column=maybe(columns), after=anchors),
        st.builds(c.TaskMove, task=tasks, column=columns, position=st.sampled_from(["a0", "a1", "a0V"])),
        st.builds(c.TaskDelete, task=tasks),
        st.builds(c.TaskRestore, task=tasks),
        st.builds(c.ChecklistSet, task=tasks, item=items, text=maybe(texts), done=maybe(flags)),
        st.builds(c.ChecklistRemove, task=tasks, item=items),
        st.builds(c.CommentAdd, task=tasks, comment=comments, text=texts),
        st.builds(c.CommentEdit, task=tasks, comment=comments, text=texts),
        st.builds(c.CommentDelete, task=tasks, comment=comments),
        st.builds(c.CommentRestore, task=tasks, comment=comments),
        st.builds(c.ColumnCreate, column=columns, title=texts, done=flags, after=column_anchors),
        st.builds(c.ColumnUpdate, column=columns, title=maybe(texts), done=maybe(flags)),
        st.builds(c.ColumnMove, column=columns, after=column_anchors),
        st.builds(c.ColumnDelete, column=columns, move_to=maybe(columns)),
        st.builds(c.ColumnRestore, column=columns),
        st.builds(c.LabelCreate, label=labels, name=texts, color=st.just("#102030")),
        st.builds(c.LabelUpdate, label=labels, name=maybe(texts)),
        st.builds(c.LabelDelete, label=labels),
        st.builds(c.LabelRestore, label=labels),
        st.builds(c.MemberSet, user=users, role=st.sampled_from(["owner", "editor", "viewer"])),
        st.builds(c.MemberRemove, user=users),
    )


def device_commands() -> st.SearchStrategy[c.Command]:
    """What concerns devices, asked for by people."""
    return st.one_of(
        st.builds(d.DeviceCreate, device=devices, name=texts, tags=st.just(("a", "b"))),
        st.builds(d.DeviceUpdate, device=devices, name=maybe(texts), disabled=maybe(flags)),
        st.builds(d.DeviceDelete, device=devices),
        st.builds(d.DeviceRestore, device=devices),
        st.builds(d.RuleSet, rule=rule_of),
        st.builds(d.RuleDelete, rule=rules),
        st.builds(
            d.CommandSend,
            command=sent,
            device=devices,
            name=texts,
            args=st.just({"to": 5}),
            task=maybe(tasks),
            expires_at=maybe(times),
        ),
    )


def own_commands() -> st.SearchStrategy[c.Command]:
    """What the server asks for."""
    alarm = {"rule": rules, "device": devices, "task": tasks, "at": times, "reason": texts}
    return st.one_of(
        st.builds(d.AlarmOpen, **alarm),
        st.builds(d.AlarmReturn, **alarm),
        st.builds(d.AlarmClear, rule=rules, device=devices, at=times, reason=texts),
        st.builds(d.TaskVerify, task=tasks, done_when=waits, verified=flags),
        st.builds(d.CommandDeliver, command=sent),
        st.builds(d.CommandSettle, command=sent, ok=flags, result=st.just("well")),
        st.builds(d.CommandExpire, command=sent),
    )


def all_commands() -> st.SearchStrategy[c.Command]:
    return commands() | device_commands() | device_commands() | own_commands()
