"""Live boards: one inbox, one commit loop and one door (`advance`) per board. Start reading at `live.py`."""
