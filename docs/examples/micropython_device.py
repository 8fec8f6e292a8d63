# A device for Boardcast in MicroPython, over HTTP: a board with Wi-Fi, or any port that has `requests`
# (`mpremote mip install requests` where it is missing). Connect the network first, set the clock with ntptime
# if you can, then copy this as main.py and change what stands in capitals, and `measure`.
#
# Readings wait in memory, in batches that keep their number until the server says that they are settled: one
# that is sent twice is stored once. MOST_BATCHES is the bound: while that many wait nothing more is measured.
# A device that is not let in (its token was replaced, or it is disabled) keeps what it has, and tries again
# each PAUSE_S.
import binascii
import os
import time

import requests

URL = "http://192.168.1.10:8888/api/telemetry"
TOKEN = "bcd_..."
EVERY_S = 10
READINGS = 6  # in one batch: once a minute
MOST_BATCHES = 60
PAUSE_S = 30

# Some ports count from 2000. A clock that was never set is worth nothing: then the time of arrival counts.
EPOCH_S = 946684800 if time.gmtime(0)[0] == 2000 else 0
boot = binascii.hexlify(os.urandom(8)).decode()  # this start; `seq` counts its batches
seq = 0
readings = []
batches = []
paused_at = None


def measure():
    return {"uptime_s": time.ticks_ms() / 1000}


def reading(values):
    point = {"values": values}
    if time.gmtime()[0] >= 2024:
        point["t"] = int((time.time() + EPOCH_S) * 1000)  # whole milliseconds
    return point


def number_readings():
    global seq, readings
    seq += 1
    batches.append({"boot": boot, "seq": seq, "points": readings})
    readings = []


def send(batch):
    """Whether the batch is settled."""
    global paused_at
    answer = None
    try:
        answer = requests.post(URL, json=batch, headers={"Authorization": "Bearer " + TOKEN}, timeout=10)
        if answer.status_code != 200 or "rejected" in answer.text:
            print("the server says", answer.status_code, answer.text)
        if answer.status_code in (401, 403):  # not the batch is refused, the device is
            paused_at = time.ticks_ms()
            return False
        # 429 and 5xx: later. Other refusals would be the same again.
        return answer.status_code < 500 and answer.status_code != 429
    except OSError as error:
        print("no connection:", error)
        return False
    finally:
        if answer is not None:
            answer.close()


def pausing():
    global paused_at
    if paused_at is not None and time.ticks_diff(time.ticks_ms(), paused_at) >= PAUSE_S * 1000:
        paused_at = None
    return paused_at is not None


def step():
    """One reading; sends what is due."""
    if len(batches) < MOST_BATCHES:
        readings.append(reading(measure()))
        if len(readings) >= READINGS:
            number_readings()
    while batches and not pausing() and send(batches[0]):
        batches.pop(0)


def main():
    while True:
        step()
        time.sleep(EVERY_S)


if __name__ == "__main__":
    main()
