# Starts threads until it may not.
# test: {"argv": [], "stdout": "held"} -> accepted
# test: {"argv": [], "stdout": "held"} -> accepted
import os
import threading
import time

started = 0
try:
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        started += 1
except RuntimeError:
    pass
print("held" if started < 64 else started, flush=True)
os._exit(0)
