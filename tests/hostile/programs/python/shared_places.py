# Leaves something in shared memory, a message queue, the terminals and the temporary folders.
# test: {"stdout": "held"} -> accepted
# test: {"stdout": "held"} -> accepted
import os

seen = [name for name in os.listdir("/tmp") if name != "solution.py"]
written = []
for folder in ("/dev/shm", "/dev/mqueue", "/dev/pts", "/run/lock", "/run/shm", "/var/lock"):
    try:
        open(f"{folder}/left", "w").close()
        written.append(folder)
    except OSError:
        pass
for folder in ("/tmp", "/var/tmp", "."):
    try:
        open(f"{folder}/left", "w").close()
    except OSError:
        pass
print(written or seen or "held")
