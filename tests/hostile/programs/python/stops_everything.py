# Stops its whole group and everyone it may signal.
# limits: wall_s=1
# test: {"argv": ["stop"], "stdout": "held"} -> time_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import os
import signal
import sys

if sys.argv[1] == "stop":
    os.fork()
    os.kill(-1, signal.SIGSTOP)
    os.killpg(0, signal.SIGSTOP)
print("held")
