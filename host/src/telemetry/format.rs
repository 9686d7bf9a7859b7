//! The two forms of log lines.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    Layer,
    fmt::{
        FmtContext, FormatEvent, FormatFields, MakeWriter,
        format::{Format, Full, Writer},
    },
    registry::LookupSpan,
};

use super::{BoxLayer, json::JsonLines};

/// One JSON object a line; the request's fields stand under `span`.
pub(super) fn json<W>(writer: W) -> BoxLayer
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    JsonLines(writer).boxed()
}

/// Lines for people.
pub(super) fn text<W>(writer: W, prefix: String, ansi: bool) -> BoxLayer
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(ansi)
        .event_format(Prefixed {
            prefix,
            inner: Format::default(),
        })
        .with_writer(writer);
    layer.boxed()
}

/// `prefix` of `telemetry/logging` in front of each line.
struct Prefixed {
    prefix: String,
    inner: Format<Full>,
}

impl<S, N> FormatEvent<S, N> for Prefixed
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if !self.prefix.is_empty() {
            write!(writer, "{} ", self.prefix)?;
        }
        self.inner.format_event(ctx, writer, event)
    }
}
