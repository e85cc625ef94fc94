# Tries: a fork bomb whose children do the same, and waits for none
# expect: time_limit | memory_limit
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
