// Asks for more than any memory holds.
// build_s: 10
// expect: compile_error
// says: error
char area[1L << 62][1L << 62];

int main(void)
{
    return area[0][0];
}
