// Defines the C library's own calls, and operator new, to lie to the driver.
// entry: f
// test: {"call": {"args": [1]}, "returns": 42} -> wrong_answer runtime_error
#include <cstdlib>
#include <new>
#include <sys/types.h>

extern "C" ssize_t write(int, const void *, size_t length) { return static_cast<ssize_t>(length); }
extern "C" int strcmp(const char *, const char *) { return 0; }
void *operator new(std::size_t size) { return std::calloc(1, size); }
void operator delete(void *) noexcept { }
void operator delete(void *, std::size_t) noexcept { }

int f(int x) { return x + 40; }
