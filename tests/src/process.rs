//! What a process uses, read from the kernel.

use std::{fs, io};

/// Clock ticks a second in `/proc`, fixed by Linux for programs.
const TICKS: u64 = 100;

/// Resources of a running process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub resident: u64,
    /// The most resident memory since the start or [`Usage::reset_peak`].
    pub peak: u64,
    /// The part of `resident` that is pages of files, such as the program's.
    pub file: u64,
    /// Processor time in user and kernel mode, in microseconds.
    pub cpu_micros: u64,
    /// Open descriptors: files, sockets, and the runtime's own.
    pub descriptors: usize,
}

impl Usage {
    /// Of the process `pid`.
    ///
    /// # Errors
    ///
    /// If it is gone.
    pub fn of(pid: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
                .unwrap_or_default()
        };
        Ok(Self {
            resident: kib("VmRSS:") * 1024,
            peak: kib("VmHWM:") * 1024,
            file: kib("RssFile:") * 1024,
            cpu_micros: cpu_micros(pid)?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count(),
        })
    }

    /// Of the process `pid` and all that it has started, and those, in sum:
    /// memory that they share counts once for each.
    ///
    /// # Errors
    ///
    /// If `pid` is gone.
    pub fn of_tree(pid: u32) -> io::Result<Self> {
        let mut sum = Self::of(pid)?;
        for child in children(pid) {
            // One that ends in between has done what it could.
            if let Ok(usage) = Self::of_tree(child) {
                sum.resident += usage.resident;
                sum.peak += usage.peak;
                sum.file += usage.file;
                sum.cpu_micros += usage.cpu_micros;
                sum.descriptors += usage.descriptors;
            }
        }
        Ok(sum)
    }

    /// Makes the peak start from now.
    ///
    /// # Errors
    ///
    /// If the process is gone or is not ours.
    pub fn reset_peak(pid: u32) -> io::Result<()> {
        fs::write(format!("/proc/{pid}/clear_refs"), "5")
    }
}

/// Those that any thread of `pid` has started.
fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let of_thread = |thread: io::Result<fs::DirEntry>| {
        let path = thread.ok()?.path().join("children");
        fs::read_to_string(path).ok()
    };
    let lists: Vec<String> = threads.filter_map(of_thread).collect();
    let numbers = lists.iter().flat_map(|list| list.split_whitespace());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

fn cpu_micros(pid: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold anything, so count from behind it.
    let after = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|text| text.parse::<u64>().ok())
        .sum();
    Ok(ticks * 1_000_000 / TICKS)
}
