"""The shared store: MongoDB, or what speaks its protocol, through Motor. Several instances use it at once.

What a change goes through, and what may go wrong on the way:

1. **Where the append belongs.** A document of `log` holds the changes `first` to `last`. One may only be
   added where another one ends (or at 1); then `(board, first)`, which is unique, is the lock: of two writers
   one gets a duplicate key. By induction the documents of a board lie end to end, without a hole or an
   overlap. That a document ends there never changes, so that it is remembered (`Log`), and asked for only
   when it is not known. When none ends there: `Refused`, before anything is sent.
2. **Names.** The unique index on `(board, names)` refuses a name that is known. Servers that do not look into
   arrays (found out at the start, `schema.Abilities`) are asked before the append: what comes before `first`
   is durable and never changes, so that no name can slip in between.
3. **The insert**, with `w=majority`, the journal and `wtimeout`. A single document: all or nothing. It is
   sent once, the driver does not repeat it. Therefore a duplicate key proves that nothing was written
   (`Refused`); whatever else goes wrong (no answer, a cut connection, another primary, no majority in time)
   leaves the outcome unknown: `Failed`. It may be there or may still come, and only the names tell.
4. An append that does not fit into a document (16 MB) has its changes in `parts`, written before it: they
   mean nothing until the document that names them is there. A refused append takes them back; what one of
   unknown outcome leaves harms nobody.

Reads go to the primary and ask for what a majority has, so that nobody is shown what could be rolled back.

Bounds: no call lasts longer than `deadline_s`. Motor gives each exchange with the server a thread of a small
pool; `link.Lane` hands them out, so that a slow load never takes those of the appends, and a server that
hangs holds at most the pool. Who waits for a thread past the deadline has sent nothing. At most
`link.MOST_WAITING` calls wait; one more fails at once. `close` lets what was accepted end, for `deadline_s`.

What it relies on and cannot see: that nobody puts an older copy back while servers run. The heads show it
within seconds, but an append in between would leave a hole. Stop the servers first (docs/operations.md).

The collections, each of which can be sharded by `board` (`entries` by `kind` and `key`); their indexes are in
`schema`:

`log`       `_id` "<board>/<first, 16 digits>", `board`, `first`, `last`, `names` (one each; "/<seq>" of a
            change without one), `tasks` (ids that it touched), `changes`; number 1 has the first `epoch`;
            instead of `changes` there may be `append` (random) and `parts` (how many), see above
`parts`     `_id` "<board>/<append>/<part>", `board`, `append`, `part`, `changes`
`boards`    `_id` and `board`: the board, `number` (counts up with creation), `epoch` (the first one when
            absent), `mark`, `seq` and `record`: what is materialised of the board itself
`tasks`     `_id` "<board>/<id>", `board`, `id`, `seq`, `deleted`, `value` (the task), `made`, `marks`
`comments`  the same for comments
`entries`   `_id` "<kind>/<key>", `kind`, `key`, `value` (binary), `version`, `expires_at` (ms or null)
`meta`      `schema` (its `version`), `boards` (the last `number`), `installation` (a random name), `ping`
`probe`     empty: what the server is able to do is tried out there
"""

from server.stores.mongo.store import MongoStore

__all__ = ["MongoStore"]
