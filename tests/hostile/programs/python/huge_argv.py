# Starts itself with more arguments than the system takes.
# limits: memory_mb=512
# expect: accepted
import errno
import os

for words in (["x" * 10_000_000], ["x"] * 3_000_000, ["x" * 100_000] * 100):
    try:
        os.execv("/usr/bin/true", words)
    except OSError as error:
        if error.errno != errno.E2BIG:
            print(error)
print("held")
