// Has the compiler compute without end.
// build_s: 20
// expect: compile_error
// says: constexpr
constexpr unsigned long spin()
{
    unsigned long n = 0;
    while (n < ~0ul)
        n++;
    return n;
}
static_assert(spin() == 1);
int main() { }
