# Takes memory until there is none.
# expect: memory_limit
taken = []
while True:
    taken.append(b"x" * 2**20)
