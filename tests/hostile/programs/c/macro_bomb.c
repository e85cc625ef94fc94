// Doubles a macro until memory ends.
// build_s: 10
// expect: compile_error
// says: Killed
#define A x x x x x x x x x x
#define B A A A A A A A A A A
#define C B B B B B B B B B B
#define D C C C C C C C C C C
#define E D D D D D D D D D D
#define F E E E E E E E E E E
#define G F F F F F F F F F F
#define H G G G G G G G G G G
#define x 1+
int main(void) { return H H H 1; }
