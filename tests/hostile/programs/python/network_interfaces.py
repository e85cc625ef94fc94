# Looks for any way out but the loopback.
# expect: accepted
import os
import socket

names = {name for _, name in socket.if_nameindex()}
with open("/proc/net/route") as routes:
    lines = routes.read().splitlines()[1:]
print("held" if names <= {"lo"} and not lines else (names, lines))
