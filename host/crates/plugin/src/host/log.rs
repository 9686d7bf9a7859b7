//! `log`.

use crate::{
    bindings::cuttle::plugin::log::{Host, Level},
    state::State,
};

impl Host for State {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.site.log.line(level, &message);
        Ok(())
    }
}
