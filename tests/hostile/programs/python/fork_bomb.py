# Forks without end; the next test must find the machine as it was.
# limits: wall_s=1
# test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
# test: {"argv": ["rest"], "stdout": "held"} -> accepted
import os
import sys

while sys.argv[1] == "bomb":
    try:
        os.fork()
    except OSError:
        pass
print("held")
