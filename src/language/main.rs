//! Entry point of the language host.

fn main() -> std::process::ExitCode {
    groundwork_language::main()
}
