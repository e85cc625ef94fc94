# Lets a child die of memory and ends well itself: that is no memory limit of the program.
# expect: accepted
import os

if os.fork() == 0:
    taken = []
    while True:
        taken.append(b"x" * 2**20)
_, status = os.wait()
print("held" if os.WTERMSIG(status) == 9 else status)
