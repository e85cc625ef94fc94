// Starts itself twice, again and again, and waits for nobody.
// limits: wall_s=1
// test: {"argv": ["bomb"], "stdout": "held"} -> time_limit
// test: {"argv": ["rest"], "stdout": "held"} -> accepted
use std::process::Command;

fn main() {
    let word = std::env::args().nth(1).unwrap();
    while word == "bomb" {
        let me = std::env::current_exe().unwrap();
        let _ = Command::new(&me).arg("bomb").spawn();
        let _ = Command::new(&me).arg("bomb").spawn();
    }
    println!("held");
}
