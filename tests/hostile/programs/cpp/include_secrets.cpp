// Includes and embeds what only root may read.
// expect: compile_error
// says: fatal error
#include <bits/stdc++.h>
#if __has_include("/etc/passwd")
#include "/etc/shadow"
#endif
#include "/proc/1/environ"
int main() { }
