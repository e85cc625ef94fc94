# Opens files and pipes until it may not.
# expect: accepted
import errno
import os

count = 0
try:
    while count < 10_000:
        os.pipe()
        count += 2
except OSError as error:
    print("held" if error.errno == errno.EMFILE and count < 260 else (error, count))
