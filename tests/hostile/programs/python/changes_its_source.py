# Rewrites its own source, so that the next test would run another program.
# test: {"stdout": "held"} -> accepted
# test: {"stdout": "held"} -> accepted
import os

changed = []
for path in ("/work/src/solution.py", "solution.py", "/work/cell/solution.py"):
    for act in (
        lambda p: open(p, "w").close(),
        lambda p: os.truncate(p, 0),
        os.unlink,
        lambda p: os.rename(p, "y"),
        lambda p: os.chmod(p, 0o777),
        lambda p: os.link(p, "hard"),
        lambda p: os.replace("/etc/passwd", p),
        lambda p: os.utime(p, (0, 0)),
    ):
        try:
            act(path)
            changed.append(path)
        except OSError:
            pass
for path in ("/work/cell", "/work/src", "/work/build"):
    try:
        os.rename(path, path + "2")
        changed.append(path)
    except OSError:
        pass
print(changed or "held")
