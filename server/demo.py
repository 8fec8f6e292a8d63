"""The board that a fresh installation starts with: it explains itself in its cards."""

from server.model import commands as c

BOARD = c.BoardCreate(name="Welcome to Boardcast", description="A first board to try things on.")

_CARDS: tuple[tuple[str, str, str, str], ...] = (
    (
        "welcome",
        "todo",
        "Open this page in a second window",
        "Put the two windows side by side. Whatever you do in one happens in the other, at once.",
    ),
    (
        "drag",
        "todo",
        "Drag me to Doing",
        "Or choose *Move to…* from the card. A card that enters *Done* is completed; one that leaves it is "
        "open again.",
    ),
    (
        "edit",
        "todo",
        "Click a card to read and edit it",
        "Two people can edit the same card. Different fields never disturb each other; when both change the "
        "same text, the second one is shown both.",
    ),
    (
        "offline",
        "doing",
        "Stop the server while you go on working",
        "The banner counts what is not saved yet. Start the server again: everything is sent, once, in your "
        "order.",
    ),
    (
        "durable",
        "doing",
        "What is acknowledged is on disk",
        "Not even `kill -9` of the server loses a change that it has confirmed.",
    ),
    (
        "start",
        "done",
        "Start Boardcast",
        "`make run`. You have done that already. Next, if you like, connect a device: open the devices (at "
        "the top, beside the link), add one, and paste the line that it shows into a terminal.",
    ),
)

COMMANDS: tuple[c.Command, ...] = (
    BOARD,
    *(
        c.TaskCreate(task=task, column=column, title=title, description=text)
        for task, column, title, text in _CARDS
    ),
)
