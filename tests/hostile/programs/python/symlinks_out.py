# Fills its folder with links to places that cleaning up must not follow.
# test: {"argv": ["leave"], "stdout": "held"} -> accepted
# test: {"argv": ["look"], "stdout": "held"} -> accepted
import os
import sys

if sys.argv[1] == "leave":
    for name, target in (("a", "/work/src"), ("b", "/"), ("c", "/proc/1/root"), ("d", ".."), ("e", "e")):
        os.symlink(target, name)
    os.mkdir("deep")
    os.symlink("/work/src/solution.py", "deep/solution.py")
    os.symlink("../..", "deep/up")
    print("held")
else:
    kept = os.path.getsize("/work/src/solution.py") > 100
    print("held" if kept and os.listdir(".") == ["solution.py"] else os.listdir("."))
