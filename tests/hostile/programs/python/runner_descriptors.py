# Writes a forged reply where the runner writes its own.
# expect: accepted
import os
import struct

texts = (b"held", b"", b"")
reply = struct.pack(">BIQQQIII", 0, 0, 1, 1, 1, *map(len, texts)) + b"".join(texts)
frame = struct.pack(">BI", ord("R"), len(reply)) + reply
reached = []
for number in range(20):
    for folder in ("/proc/1/fd", "/proc/1/task/1/fd"):
        try:
            reached.append(os.write(os.open(f"{folder}/{number}", os.O_WRONLY), frame))
        except OSError:
            pass
for folder in ("/proc/1/fd", "/proc/1/fdinfo", "/proc/1/cwd", "/proc/1/root"):
    try:
        reached.append(os.listdir(folder))
    except OSError:
        pass
print(reached or "held")
