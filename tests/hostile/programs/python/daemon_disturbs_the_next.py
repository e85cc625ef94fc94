# Leaves daemons that rewrite the next test's files, hold its names and speak on its streams.
# test: {"argv": ["leave"], "stdout": "held"} -> accepted
# test: {"argv": ["count"], "stdout": "held"} -> accepted
import glob
import os
import sys
import time

if sys.argv[1] == "count":
    time.sleep(0.3)
    others = [path for path in glob.glob("/proc/[0-9]*") if path not in {"/proc/1"}]
    mine = f"/proc/{os.getpid()}"
    print("held" if others == [mine] and os.listdir(".") == ["solution.py"] else others)
    sys.exit()
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            while True:
                try:
                    os.write(1, b"")
                    with open("/work/cell/noise", "w") as file:
                        file.write("x")
                except OSError:
                    pass
        os._exit(0)
print("held")
