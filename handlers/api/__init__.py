"""`/api`: one table of endpoints. Routes, checks and `/openapi.json` are made from it."""

from handlers.api import account, boards, comments, devices, history, people, rules, tasks, telemetry

ENDPOINTS = (
    *boards.ENDPOINTS,
    *tasks.ENDPOINTS,
    *comments.ENDPOINTS,
    *history.ENDPOINTS,
    *account.ENDPOINTS,
    *people.ENDPOINTS,
    *telemetry.ENDPOINTS,
    *devices.ENDPOINTS,
    *rules.ENDPOINTS,
)
