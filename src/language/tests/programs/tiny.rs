//! The program that the tests build: it does what its arguments say.

#![allow(unexpected_cfgs, reason = "only some of the packages have the feature")]

use std::{env, io::Write, net::TcpStream, process};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["say"] => {
            println!("directory {}", env::current_dir().unwrap().display());
            for (key, value) in env::vars().filter(|(key, _)| key.starts_with("PULUMI_")) {
                println!("{key}={value}");
            }
            println!("feature {}", cfg!(feature = "extra"));
            println!("debug {}", cfg!(debug_assertions));
            eprintln!("to stderr");
        }
        ["exit", code] => process::exit(code.parse().unwrap()),
        ["abort"] => process::abort(),
        // Two processes of one group, each of which a connection shows to be alive.
        ["stay", address] => {
            process::Command::new(env::current_exe().unwrap())
                .args(["stay-alone", address])
                .spawn()
                .unwrap();
            stay(address);
        }
        ["stay-alone", address] => stay(address),
        ["until-stdin-ends", address] => {
            let mut alive = TcpStream::connect(address).unwrap();
            std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
            alive.write_all(b"stdin ended").unwrap();
        }
        _ => println!("{} {arguments:?}", env!("CARGO_BIN_NAME")),
    }
}

fn stay(address: &str) {
    let _alive = TcpStream::connect(address).unwrap();
    loop {
        std::thread::park();
    }
}
