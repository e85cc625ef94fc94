# Writes one file without end.
# expect: accepted
import errno

total = 0
try:
    with open("big", "wb", buffering=0) as file:
        while total < 2**30:
            total += file.write(bytes(2**20))
except OSError as error:
    if error.errno in {errno.ENOSPC, errno.EFBIG} and total <= 64 * 2**20:
        print("held")
