# Looks for any way out but the loopback.
# expect: accepted
with open("/proc/net/dev") as file:
    names = {line.partition(":")[0].strip() for line in file.read().splitlines()[2:]}
with open("/proc/net/route") as routes:
    lines = routes.read().splitlines()[1:]
print("held" if names <= {"lo"} and not lines else (names, lines))
