//! The gateway as the tests run it: the same program as `cuttle`, built by
//! Cargo together with this package's tests.

use std::process::ExitCode;

/// As `cuttle` has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cuttle::cli::main()
}
