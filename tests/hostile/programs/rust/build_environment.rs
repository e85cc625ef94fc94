// Compiles into itself what the build's environment tells of the host.
// expect: accepted
const SECRETS: [Option<&str>; 5] = [
    option_env!("OPENAI_API_KEY"),
    option_env!("CALISOTA_HOME"),
    option_env!("DOCKER_HOST"),
    option_env!("AIRFLOW_HOME"),
    option_env!("HOSTNAME"),
];
fn main() {
    let build = include_str!("/proc/self/environ");
    let known = ["PATH=", "LANG=", "HOME=", "TMPDIR=", "PYTHON", "LD_LIBRARY_PATH="];
    let strange: Vec<&str> = build
        .split('\0')
        .filter(|line| !line.is_empty() && !known.iter().any(|name| line.starts_with(name)))
        .collect();
    if SECRETS.iter().all(Option::is_none) && strange.is_empty() {
        println!("held");
    } else {
        println!("{SECRETS:?} {strange:?}");
    }
}
