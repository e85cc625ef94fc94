# Gives itself the audit identity of root, under which the host's log would then tell of it.
# expect: accepted
try:
    with open("/proc/self/loginuid", "w") as file:
        file.write("0")
    print("set")
except OSError:
    print("held")
