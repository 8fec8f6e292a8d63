// The comments of a card, folded from pages, from the log and from what is pending. Pure.
//
// A comment: {id, at, actor: {id, name}, text, edited_at?, pending?}; a list of them is oldest first.

/** `known` with a page of older ones (`older`, newest first as the server gives them) in front. */
export function withPage(known, older) {
  const have = new Set(known.map((comment) => comment.id));
  return [...older.filter((comment) => !have.has(comment.id)).reverse(), ...known];
}

/** `known` after a confirmed change of the task, or the same list when it is about no comment. */
export function withChange(known, change) {
  const comment = change.set?.comment;
  if (comment === undefined) return known;
  if (comment.deleted) return known.filter((other) => other.id !== comment.id);
  const old = known.find((other) => other.id === comment.id);
  if (old) return known.map((other) => (other === old ? merged(old, comment) : other));
  if (comment.text === undefined || comment.at === undefined) return known; // an edit of one that is not loaded
  return [...known, merged({}, comment)].sort((a, b) => a.at - b.at);
}

/** `known` with the pending changes `{op, args}` of the task on top; `me`: {id, name}, `at`: now. */
export function withPending(known, entries, me, at) {
  let comments = known;
  for (const { op, args } of entries) {
    const pending = { id: args.comment, text: args.text, pending: true };
    const others = comments.filter((comment) => comment.id !== args.comment);
    if (op === "comment.add") comments = [...others, { ...pending, at, actor: me }];
    else if (op === "comment.delete") comments = others;
    else if (op === "comment.edit") {
      comments = comments.map((comment) => (comment.id === args.comment ? { ...comment, ...pending } : comment));
    }
  }
  return comments;
}

function merged(old, { id, at, actor, text, edited_at }) {
  const news = { id, at, actor, text, edited_at: edited_at ?? undefined };
  return { ...old, ...Object.fromEntries(Object.entries(news).filter(([, value]) => value !== undefined)) };
}
