"""Strategies for commands on few ids, so that they meet."""

from hypothesis import strategies as st
from msgspec import UNSET

from server.model import commands as c

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
        ),
        st.builds(
            c.TaskUpdate,
            task=tasks,
            title=maybe(texts),
            description=maybe(texts),
            completed=maybe(flags),
            due_at=maybe(st.none() | st.integers(0, 9)),
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
