"""`/api`: one table of endpoints. Routes, checks and `/openapi.json` are made from it."""

from handlers.api import boards, comments, history, tasks

ENDPOINTS = (*boards.ENDPOINTS, *tasks.ENDPOINTS, *comments.ENDPOINTS, *history.ENDPOINTS)
