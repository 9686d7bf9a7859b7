//! The same files in another host: wasmtime's own embedding of `wasi:http`, as
//! its command `wasmtime serve` is made of it, with nothing of this gateway.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks,
    p2::bindings::{ProxyPre, http::types::Scheme},
    p3::{self, bindings::ServicePre},
};

use crate::support::{Origin, bytes, call, get, read};
use crate::wasi_http::{bound, isolated};

struct Plain {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
}

impl WasiView for Plain {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Plain {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: default_hooks(),
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

enum Loaded {
    Proxy(ProxyPre<Plain>),
    Service(ServicePre<Plain>),
}

fn load(name: &str) -> (Engine, Loaded) {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    p3::add_to_linker(&mut linker).unwrap();
    let component = Component::new(&engine, bytes(name)).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    let loaded = match ProxyPre::new(pre.clone()) {
        Ok(proxy) => Loaded::Proxy(proxy),
        Err(_) => Loaded::Service(ServicePre::new(pre).unwrap()),
    };
    (engine, loaded)
}

async fn serve(
    engine: &Engine,
    loaded: &Loaded,
    request: Request<Incoming>,
) -> wasmtime::Result<Response<Bytes>> {
    let mut store = Store::new(
        engine,
        Plain {
            wasi: WasiCtx::builder().build(),
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
        },
    );
    match loaded {
        Loaded::Proxy(pre) => {
            let (sender, receiver) = oneshot::channel();
            let request = store
                .data_mut()
                .http()
                .new_incoming_request(Scheme::Http, request)?;
            let out = store.data_mut().http().new_response_outparam(sender)?;
            let proxy = pre.instantiate_async(&mut store).await?;
            let guest = tokio::spawn(async move {
                let handler = proxy.wasi_http_incoming_handler();
                handler.call_handle(store, request, out).await
            });
            let answered = collect(receiver.await??).await;
            guest.await??;
            answered
        }
        Loaded::Service(pre) => {
            let service = pre.instantiate_async(&mut store).await?;
            let answer = async |accessor: &wasmtime::component::Accessor<Plain>| {
                let (parts, body) = request.into_parts();
                let (request, _sent) = p3::Request::new(
                    parts.method,
                    Some(http::uri::Scheme::HTTP),
                    Some(parts.headers["host"].to_str()?.parse()?),
                    parts.uri.path_and_query().cloned(),
                    wasmtime_wasi_http::FieldMap::default(),
                    None,
                    body,
                );
                let response = service.handle(accessor, request).await??;
                let sent = async { Ok(()) };
                collect(accessor.with(|store| response.into_http(store, sent))?).await
            };
            store.run_concurrent(answer).await?
        }
    }
}

async fn collect(response: Response<WasiBody>) -> wasmtime::Result<Response<Bytes>> {
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(
        parts,
        body.collect().await?.to_bytes(),
    ))
}

/// A server with the component behind it. It answers one request.
async fn start(name: &str) -> String {
    let (engine, loaded) = load(name);
    let component = Arc::new((engine, loaded));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request| {
            let component = Arc::clone(&component);
            async move {
                let served = serve(&component.0, &component.1, request).await;
                served.map(|response| response.map(Full::new))
            }
        });
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await
            .unwrap();
    });
    address.to_string()
}

/// Asks the server at `address` for what is at `host`, as a client of a gateway
/// does.
async fn ask(address: &str, host: &str) -> Response<Bytes> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::get("/a?b=c")
        .header("host", host)
        .body(Empty::<Bytes>::new())
        .unwrap();
    let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn the_same_file_answers_the_same_in_another_host() {
    for name in ["wasi-http-proxy", "wasi-http-service"] {
        let origin = Origin::start().await;
        let elsewhere = ask(&start(name).await, &origin.authority()).await;
        let plugin = bound(name, isolated()).await;
        let here = call(&plugin, get(&origin.url("/a?b=c"))).await.unwrap();

        assert_eq!(elsewhere.status(), here.status(), "{name}");
        assert_eq!(*elsewhere.body(), read(here).await, "{name}");
        let seen = origin.seen();
        assert_eq!(seen[0].target, seen[1].target, "{name}");
        assert_eq!(
            seen[0].headers["x-added"], seen[1].headers["x-added"],
            "{name}"
        );
    }
}
