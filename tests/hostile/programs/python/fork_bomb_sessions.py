# Forks twice into new sessions, so that no group or parent leads to the children, which spin.
# limits: wall_s=1
# test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import os
import sys

while sys.argv[1] == "bomb":
    try:
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
    except OSError:
        pass
print("held")
