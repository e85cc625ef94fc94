# Looks for the socket of the container engine, or any other that a service listens on.
# expect: accepted
import os
import socket
import stat

found = []
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock"):
    with socket.socket(socket.AF_UNIX) as one:
        if one.connect_ex(path) == 0:
            found.append(path)
for top in ("/run", "/var", "/etc", "/work", "/opt", "/root", "/home", "/mnt", "/srv"):
    for folder, _, names in os.walk(top):
        found += [n for n in names if stat.S_ISSOCK(os.lstat(f"{folder}/{n}").st_mode)]
with open("/proc/net/unix") as listening:
    found += listening.read().splitlines()[1:]
print(found or "held")
