//! The binary: calls the library, nothing else.

fn main() -> std::process::ExitCode {
    run::cli::main()
}
