// Connects, sends and asks for names.
// expect: accepted
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

fn main() {
    let mut reached = Vec::new();
    for host in ["1.1.1.1:53", "172.17.0.1:80", "169.254.169.254:80", "[2606:4700::1]:53"] {
        let address = host.to_socket_addrs().unwrap().next().unwrap();
        if TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok() {
            reached.push(host);
        }
        let local = if host.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
        if UdpSocket::bind(local).is_ok_and(|one| one.send_to(b"x", host).is_ok()) {
            reached.push(host);
        }
    }
    if ("example.com", 80).to_socket_addrs().is_ok() {
        reached.push("a name");
    }
    if reached.is_empty() {
        println!("held");
    } else {
        println!("{reached:?}");
    }
}
