//! The gateway as the tests run it: the same program as `cuttle`, built by
//! Cargo together with this package's tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    cuttle::cli::main()
}
