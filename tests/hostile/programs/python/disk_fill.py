# Fills the writable space with many files, then leaves them for the next test.
# test: {"argv": ["fill"], "stdout": "held"} -> accepted
# test: {"argv": ["look"], "stdout": "held"} -> accepted
import errno
import os
import sys

total, number, word = 0, 0, "held" if not os.path.exists("big0") else "found files"
while sys.argv[1] == "fill":
    try:
        with open(f"big{number}", "wb", buffering=0) as file:
            total += file.write(bytes(2**20))
    except OSError as error:
        word = "held" if error.errno == errno.ENOSPC and total <= 64 * 2**20 else f"{error} {total}"
        break
    number += 1
print(word)
