# Raises its own limits, and those of the runner.
# expect: accepted
import resource

raised = []
for name in dir(resource):
    if not name.startswith("RLIMIT_"):
        continue
    number = getattr(resource, name)
    soft, hard = resource.getrlimit(number)
    if hard == resource.RLIM_INFINITY:
        continue
    for wanted in ((hard + 1, hard + 1), (resource.RLIM_INFINITY, resource.RLIM_INFINITY)):
        try:
            resource.setrlimit(number, wanted)
            raised.append(name)
        except (OSError, ValueError):
            pass
try:
    resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
    raised.append("of pid 1")
except OSError:
    pass
needed = {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 256}
raised += [n for n, most in needed.items() if resource.getrlimit(n)[1] > most]
print(raised or "held")
