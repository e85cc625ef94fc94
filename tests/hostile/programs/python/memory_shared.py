# Fills shared anonymous memory, which belongs to no heap.
# expect: memory_limit
import mmap

area = mmap.mmap(-1, 2**30)
for at in range(0, 2**30, 4096):
    area[at] = 1
