# Writes a verdict into the memory of pid 1, or reads what it holds.
# expect: accepted
word = "held"
for name, mode in (("mem", "r+b"), ("mem", "rb"), ("maps", "rb"), ("environ", "rb"), ("auxv", "rb")):
    try:
        with open(f"/proc/1/{name}", mode) as file:
            file.read(1)
        word = f"opened /proc/1/{name}"
    except OSError:
        pass
print(word)
