# Holds every process id of the container asleep and ends, so that cleaning up could not fork.
# test: {"argv": ["bomb"], "stdout": "held"} -> accepted
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import os
import sys
import time

if sys.argv[1] == "bomb":
    try:
        while True:
            if os.fork() == 0:
                os.setsid()
                time.sleep(600)
    except OSError:
        pass
print("held")
