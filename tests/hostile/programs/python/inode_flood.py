# Makes endless files, folders, links and FIFOs; the next test must find none of them.
# test: {"argv": ["flood"], "stdout": "held"} -> accepted
# test: {"argv": ["look"], "stdout": "held"} -> accepted
import errno
import os
import sys

if sys.argv[1] == "look":
    print("held" if os.listdir(".") == ["solution.py"] else os.listdir("."))
    sys.exit()
for number in range(5000):
    try:
        os.mkdir(f"d{number}")
        os.chdir(f"d{number}")
        open("file", "w").close()
        os.symlink("/", "link")
        os.mkfifo("fifo")
        os.chmod("file", 0)
        if number:
            os.chmod("..", 0o100)
    except OSError as error:
        print("held" if error.errno == errno.ENOSPC else error)
        break
