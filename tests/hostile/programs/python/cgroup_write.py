# Lifts its own limits, or names a program for the kernel to run on the host when a group ends.
# expect: accepted
import os

written = []
for folder, _, files in os.walk("/sys/fs/cgroup"):
    for name in files:
        if not name.endswith(("limit_in_bytes", "max", "release_agent", "procs", "notify_on_release")):
            continue
        try:
            with open(f"{folder}/{name}", "w") as file:
                file.write("-1")
            written.append(f"{folder}/{name}")
        except OSError:
            pass
print(written or "held")
