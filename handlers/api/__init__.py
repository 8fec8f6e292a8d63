"""`/api`: one table of endpoints. Routes, checks and `/openapi.json` are made from it."""

from handlers.api import account, boards, comments, history, people, tasks, telemetry

ENDPOINTS = (
    *boards.ENDPOINTS,
    *tasks.ENDPOINTS,
    *comments.ENDPOINTS,
    *history.ENDPOINTS,
    *account.ENDPOINTS,
    *people.ENDPOINTS,
    *telemetry.ENDPOINTS,
)
