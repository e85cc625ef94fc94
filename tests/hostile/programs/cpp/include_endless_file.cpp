// Includes endless noise as a text in quotes.
// build_s: 10
// expect: compile_error
// says: build
const char *noise =
#include "/dev/urandom"
    ;
#include "/dev/zero"
int main() { }
