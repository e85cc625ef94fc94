# Becomes root or another, by number, group and every program with a set bit.
# expect: accepted
import os

gained = []
for act in (
    lambda: os.setuid(0),
    lambda: os.seteuid(0),
    lambda: os.setresuid(0, 0, 0),
    lambda: os.setuid(10002),
    lambda: os.setgid(0),
    lambda: os.setgroups([0]),
    lambda: os.chown(".", 0, 0),
    lambda: os.chroot("/"),
    lambda: os.nice(-5),
):
    try:
        act()
        gained.append(act.__code__.co_names)
    except OSError:
        pass
for top in ("/usr", "/opt", "/etc", "/var"):
    for folder, _, names in os.walk(top):
        for name in names:
            mode = os.lstat(f"{folder}/{name}").st_mode
            if mode & 0o6000 and os.path.isfile(f"{folder}/{name}"):
                gained.append(f"{folder}/{name}")
print(gained or "held")
