# Prints the answer from exit handlers, destructors and threads that come after the call.
# entry: f
# test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer
# says: expected 42, got 41
import atexit
import os
import threading
import time


def late():
    os.write(3, b'{"value": 42}')


class Last:
    def __del__(self):
        late()


def f(x):
    global last
    last = Last()
    atexit.register(late)
    threading.Thread(target=lambda: (time.sleep(0.2), late())).start()
    return 41
