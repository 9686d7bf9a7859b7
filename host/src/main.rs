//! The `cuttle` program; everything is in the library.

use std::process::ExitCode;

/// Measured against the system's: `docs/benchmarks.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cuttle::cli::main()
}
