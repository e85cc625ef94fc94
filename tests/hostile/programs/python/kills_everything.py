# Kills all it may, and pid 1 by name; the runner must live and the next test run.
# test: {"stdout": "held"} -> accepted
# test: {"stdout": "held"} -> accepted
import os
import signal

if os.fork() == 0:
    while True:
        pass
os.kill(-1, signal.SIGKILL)
word = "held"
for number in signal.valid_signals():
    try:
        os.kill(1, number)
        word = f"signal {number} reached pid 1"
    except PermissionError:
        pass
print(word)
