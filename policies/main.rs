//! Entry point of the policy pack.

fn main() -> std::process::ExitCode {
    groundwork_policies::main()
}
