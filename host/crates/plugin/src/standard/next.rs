//! The next handler of a `wasi:http/middleware`: the backend.

use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi_http::{
    WasiHttp, WasiHttpView,
    p3::{
        Request, Response,
        bindings::http::{client::HostWithStore, types::ErrorCode},
    },
};

use crate::state::State;

type Handled = Result<Resource<Response>, ErrorCode>;

/// Defines the import `handler` with what `client.send` does: the library that
/// implements `wasi:http` leaves it to its host.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut interface = linker.instance("wasi:http/handler@0.3.0")?;
    interface.func_wrap_concurrent("handle", |accessor, (request,)| {
        Box::pin(async move { Ok((handle(accessor, request).await?,)) })
    })
}

async fn handle(
    accessor: &Accessor<State>,
    request: Resource<Request>,
) -> wasmtime::Result<Handled> {
    let accessor = accessor.with_getter::<WasiHttp>(State::http);
    match WasiHttp::send(&accessor, request).await {
        Ok(response) => Ok(Ok(response)),
        Err(error) => error.downcast().map(Err),
    }
}
