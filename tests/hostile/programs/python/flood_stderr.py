# Complains without end, in a child that left, while the program itself waits.
# expect: output_limit
import os
import time

if os.fork() == 0:
    os.setsid()
    while True:
        os.write(2, b"held\n" * 10000)
time.sleep(60)
