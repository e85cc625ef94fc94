# Is longer than the writable space of its container.
# limits: memory_mb=16
# append: {"text": "# 34567890123456789012345678901234567890123456789\n", "times": 120000}
# expect: accepted
print("held")
