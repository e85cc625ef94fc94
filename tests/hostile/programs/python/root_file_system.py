# Writes wherever the image is writable to somebody.
# expect: accepted
import os

written = []
for top in ("/", "/etc", "/usr", "/opt", "/var", "/run", "/root", "/dev", "/proc/sys", "/work/src",
            "/work/build", "/work", "/sys", "/boot", "/home", "/srv", "/mnt", "/media"):
    for folder, folders, _ in os.walk(top):
        folders[:] = [one for one in folders if one not in {"proc", "sys", "cell"}]
        try:
            open(f"{folder}/left", "x").close()
            written.append(folder)
        except OSError:
            pass
        if folder.count("/") > 3:
            folders[:] = []
print(written or "held")
