// Builds, but as a package that is no program: what the build leaves cannot be started.
// expect: runtime_error compile_error
package solution

func Main() {}
