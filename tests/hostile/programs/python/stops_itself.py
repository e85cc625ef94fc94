# Stops itself, so that it neither ends nor runs.
# limits: wall_s=1
# test: {"argv": ["stop"], "stdout": "held"} -> time_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import os
import signal
import sys

if sys.argv[1] == "stop":
    os.kill(os.getpid(), signal.SIGSTOP)
print("held")
