//! What one plugin may use up, and the counting of memory and tables.

use std::time::Duration;

use wasmtime::ResourceLimiter;

const MIB: usize = 1 << 20;

/// Largest [`Limits::memory`]: what one slot of the engine's pool can hold.
/// Interpreters (JavaScript, Python) come with tens of megabytes.
pub(crate) const MAX_MEMORY: usize = 256 * MIB;
/// Largest [`Limits::table_elements`]: what one slot of the pool can hold.
/// Components of interpreters need about 8,000.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 20_000;
/// Core modules in one component, adapters included; Rust needs 4, the
/// interpreters up to 12.
pub(crate) const MAX_CORE_INSTANCES: u32 = 16;
/// Linear memories in one component.
pub(crate) const MAX_MEMORIES: u32 = 2;
/// Tables in one component.
pub(crate) const MAX_TABLES: u32 = 8;

/// What one instance, or one place of use, may use up.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of linear memory of one instance. The bytes of bodies and pipes
    /// that the gateway holds for it are limited to the same figure once more.
    /// Default 64 MiB, at most 256 MiB.
    pub memory: usize,
    /// Entries of all tables of one instance. Default 10,000, at most 20,000.
    pub table_elements: usize,
    /// Bytes that one call into the gateway, or one return from the plugin,
    /// may carry. Default 16 MiB.
    pub hostcall_fuel: usize,
    /// Handles one instance may hold. The runtime's own tables, with what the
    /// plugin makes without the gateway, may have four times as many entries.
    /// Default 1,024.
    pub resources: usize,
    /// Bytes of bodies one call may read into its memory. Default 32 MiB.
    pub body_read: u64,
    /// Calls into the gateway, of any interface, that one call may make.
    /// Default 1,000,000.
    pub host_calls: usize,
    /// Log lines each second, over all instances. Default 100.
    pub log_lines_per_second: u32,
    /// Instances that may exist at a time. Default 256.
    pub instances: usize,
    /// Calls until an instance is replaced; 0 is no limit. Default 100,000.
    pub uses_per_instance: u64,
    /// Longest time for one call; `None` leaves it to the caller's deadline.
    pub timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A plugin that passes bodies on needs one or two; room for one
            // that parses a large document.
            memory: 64 * MIB,
            // Rust needs a few hundred, interpreters up to 8,000.
            table_elements: 10_000,
            // A body made in one piece; above that there is `pipe`.
            hostcall_fuel: 16 * MIB,
            // A request needs four.
            resources: 1_024,
            // Half of the memory: a body and what is made of it fit in.
            body_read: 32 * MIB as u64,
            // Some tenths of a second of work for the gateway; a body of 32 MiB
            // takes 33,000 calls in pieces of a KiB.
            host_calls: 1_000_000,
            log_lines_per_second: 100,
            // A quarter of the engine's pool: four busy places fit in.
            instances: 256,
            // Bounds what a slow leak can pile up; costs nothing measurable.
            uses_per_instance: 100_000,
            timeout: None,
        }
    }
}

impl Limits {
    /// The first limit the engine cannot give, and its largest value.
    pub(crate) fn out_of_range(&self) -> Option<(&'static str, usize)> {
        if self.memory > MAX_MEMORY {
            return Some(("memory", MAX_MEMORY));
        }
        (self.table_elements > MAX_TABLE_ELEMENTS).then_some(("table_elements", MAX_TABLE_ELEMENTS))
    }
}

/// Counts the memory and tables of one instance, over all of its modules.
pub(crate) struct Limiter {
    memory: Gauge,
    table_elements: Gauge,
    /// The limit that was refused last. A plugin that runs out of memory
    /// traps somewhere else; this tells why.
    pub(crate) reached: Option<&'static str>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            memory: Gauge::new(limits.memory),
            table_elements: Gauge::new(limits.table_elements),
            reached: None,
        }
    }

    /// Bytes of memory. An instance never gives any back.
    pub(crate) fn memory(&self) -> usize {
        self.memory.used
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = self.memory.grow(current, desired);
        if !granted {
            self.reached = Some("memory");
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.undo();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let granted = self.table_elements.grow(current, desired);
        if !granted {
            self.reached = Some("table_elements");
        }
        Ok(granted)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements.undo();
        Ok(())
    }
}

/// A sum with a limit, whose last step can be taken back.
struct Gauge {
    used: usize,
    limit: usize,
    last: usize,
}

impl Gauge {
    fn new(limit: usize) -> Self {
        Self {
            used: 0,
            limit,
            last: 0,
        }
    }

    /// Adds the difference, if it fits.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        self.last = 0;
        let step = desired.saturating_sub(current);
        let fits = self.used.saturating_add(step) <= self.limit;
        if fits {
            self.used += step;
            self.last = step;
        }
        fits
    }

    /// The last step did not happen after all.
    fn undo(&mut self) {
        self.used -= self.last;
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_memories_of_an_instance_count_together() {
        let mut limiter = Limiter::new(&Limits {
            memory: 100,
            ..Limits::default()
        });

        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap());
        assert_eq!(limiter.reached, Some("memory"));
        assert!(limiter.memory_growing(60, 100, None).unwrap());
    }

    #[test]
    fn growth_that_fails_in_the_end_is_not_counted() {
        let mut limiter = Limiter::new(&Limits {
            table_elements: 100,
            ..Limits::default()
        });

        assert!(limiter.table_growing(0, 100, None).unwrap());
        limiter
            .table_grow_failed(wasmtime::Error::msg("no"))
            .unwrap();
        limiter
            .table_grow_failed(wasmtime::Error::msg("no"))
            .unwrap();
        assert!(limiter.table_growing(0, 100, None).unwrap());
    }

    #[test]
    fn limits_beyond_a_slot_of_the_pool_are_found() {
        assert_eq!(Limits::default().out_of_range(), None);
        let memory = Limits {
            memory: MAX_MEMORY + 1,
            ..Limits::default()
        };
        assert_eq!(memory.out_of_range(), Some(("memory", MAX_MEMORY)));
    }
}
