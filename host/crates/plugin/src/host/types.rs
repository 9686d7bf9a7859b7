//! `types`, bodies excepted.

use wasmtime::component::Resource;

use super::{
    body::BodyHandle,
    message::{RequestHandle, ResponseHandle, append_header, fields, header, set_header},
    pipe::BodyWriter,
};
use crate::{
    bindings::cuttle::plugin::types::{
        Error, Field, Host, HostBodyWriter, HostRequest, HostResponse,
    },
    state::State,
};

impl Host for State {}

impl HostBodyWriter for State {
    async fn write(
        &mut self,
        this: Resource<BodyWriter>,
        content: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let content = self.hold(content)?;
        let pipe = self.table.get(&this)?.0.clone();
        self.wait();
        let written = pipe.write(content).await;
        self.resume();
        Ok(written)
    }

    fn finish(&mut self, this: Resource<BodyWriter>) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.table.delete(this)?.finish())
    }

    fn drop(&mut self, this: Resource<BodyWriter>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl HostRequest for State {
    fn new(&mut self, method: String, uri: String) -> wasmtime::Result<Resource<RequestHandle>> {
        Ok(self.table.push(RequestHandle::made(method, uri))?)
    }

    fn method(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.method())
    }

    fn set_method(
        &mut self,
        this: Resource<RequestHandle>,
        method: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.table.get_mut(&this)?.set_method(&method))
    }

    fn uri(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<String> {
        Ok(self.table.get(&this)?.uri())
    }

    fn set_uri(
        &mut self,
        this: Resource<RequestHandle>,
        uri: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.table.get_mut(&this)?.set_uri(&uri))
    }

    fn header(
        &mut self,
        this: Resource<RequestHandle>,
        name: String,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(header(&self.table.get(&this)?.parts.headers, &name))
    }

    fn headers(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<Vec<Field>> {
        Ok(fields(&self.table.get(&this)?.parts.headers))
    }

    fn set_header(
        &mut self,
        this: Resource<RequestHandle>,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let headers = &mut self.table.get_mut(&this)?.parts.headers;
        Ok(set_header(headers, &name, &value))
    }

    fn append_header(
        &mut self,
        this: Resource<RequestHandle>,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let headers = &mut self.table.get_mut(&this)?.parts.headers;
        Ok(append_header(headers, &name, &value))
    }

    fn remove_header(
        &mut self,
        this: Resource<RequestHandle>,
        name: String,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.parts.headers.remove(&name);
        Ok(())
    }

    fn take_body(
        &mut self,
        this: Resource<RequestHandle>,
    ) -> wasmtime::Result<Option<Resource<BodyHandle>>> {
        let body = self.table.get_mut(&this)?.body.take();
        Ok(body.map(|body| self.table.push(body)).transpose()?)
    }

    fn set_body(
        &mut self,
        this: Resource<RequestHandle>,
        body: Resource<BodyHandle>,
    ) -> wasmtime::Result<()> {
        let body = self.table.delete(body)?;
        self.table.get_mut(&this)?.body = Some(body);
        Ok(())
    }

    fn drop(&mut self, this: Resource<RequestHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}

impl HostResponse for State {
    fn new(&mut self, status: u16) -> wasmtime::Result<Resource<ResponseHandle>> {
        Ok(self.table.push(ResponseHandle::made(status))?)
    }

    fn status(&mut self, this: Resource<ResponseHandle>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&this)?.status)
    }

    fn set_status(
        &mut self,
        this: Resource<ResponseHandle>,
        status: u16,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(self.table.get_mut(&this)?.set_status(status))
    }

    fn header(
        &mut self,
        this: Resource<ResponseHandle>,
        name: String,
    ) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(header(&self.table.get(&this)?.parts.headers, &name))
    }

    fn headers(&mut self, this: Resource<ResponseHandle>) -> wasmtime::Result<Vec<Field>> {
        Ok(fields(&self.table.get(&this)?.parts.headers))
    }

    fn set_header(
        &mut self,
        this: Resource<ResponseHandle>,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let headers = &mut self.table.get_mut(&this)?.parts.headers;
        Ok(set_header(headers, &name, &value))
    }

    fn append_header(
        &mut self,
        this: Resource<ResponseHandle>,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let headers = &mut self.table.get_mut(&this)?.parts.headers;
        Ok(append_header(headers, &name, &value))
    }

    fn remove_header(
        &mut self,
        this: Resource<ResponseHandle>,
        name: String,
    ) -> wasmtime::Result<()> {
        self.table.get_mut(&this)?.parts.headers.remove(&name);
        Ok(())
    }

    fn take_body(
        &mut self,
        this: Resource<ResponseHandle>,
    ) -> wasmtime::Result<Option<Resource<BodyHandle>>> {
        let response = self.table.get_mut(&this)?;
        response.body_changed |= response.body.is_some();
        let body = response.body.take();
        Ok(body.map(|body| self.table.push(body)).transpose()?)
    }

    fn set_body(
        &mut self,
        this: Resource<ResponseHandle>,
        body: Resource<BodyHandle>,
    ) -> wasmtime::Result<()> {
        let body = self.table.delete(body)?;
        let response = self.table.get_mut(&this)?;
        response.body = Some(body);
        response.body_changed = true;
        Ok(())
    }

    fn drop(&mut self, this: Resource<ResponseHandle>) -> wasmtime::Result<()> {
        self.table.delete(this)?;
        Ok(())
    }
}
