//! A Toxiproxy server as one talks to it: the crate's blocking calls on threads of their own, the rest over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use toxiproxy_rust::client::Client;
use toxiproxy_rust::proxy::{Proxy, ProxyPack};
use toxiproxy_rust::toxic::ToxicPack;

use crate::link::LinkError;

/// How long the server may take over one change. It takes milliseconds; longer, and one of its locks hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Toxiproxy server's API.
#[derive(Clone)]
pub struct Toxiproxy {
    api: SocketAddr,
    client: Client,
    http: reqwest::Client,
}

impl std::fmt::Debug for Toxiproxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toxiproxy").field("api", &self.api).finish_non_exhaustive()
    }
}

impl Toxiproxy {
    /// The server whose API listens on this address. Nothing is asked yet.
    pub async fn at(api: SocketAddr) -> Result<Self, LinkError> {
        let failed = |why: String| LinkError::Toxiproxy { api, what: "a client for it".to_owned(), why };
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let http = http.map_err(|error| failed(error.to_string()))?;
        // A blocking client may not be made on an async thread.
        let client = tokio::task::spawn_blocking(move || Client::new(api)).await;
        let client = client.map_err(|error| failed(error.to_string()))?;
        Ok(Self { api, client, http })
    }

    /// The version that it says it is, as it says it.
    pub async fn version(&self) -> Result<String, LinkError> {
        self.with("its version", |client| if client.is_running() { client.version() } else { Err(nobody()) }).await
    }

    /// Makes a proxy that listens, or makes one of that name listen so.
    pub(super) async fn make(&self, name: &str, listen: &str, upstream: &str) -> Result<(), LinkError> {
        let (name, listen, upstream) = (name.to_owned(), listen.to_owned(), upstream.to_owned());
        let made = self.with("a proxy", move |client| {
            let made = client.populate(vec![ProxyPack::new(name.clone(), listen, upstream)])?;
            made.into_iter().find(|proxy| proxy.proxy_pack.name == name).ok_or_else(|| "it did not make it".to_owned())
        });
        enabled(&made.await?, true).map_err(|why| self.failed("a proxy that listens", why))
    }

    /// Has a proxy listen or not. When this returns, it does or does not.
    pub(super) async fn set_enabled(&self, name: &str, wanted: bool) -> Result<(), LinkError> {
        let what = if wanted { "to listen again" } else { "to refuse connections" };
        let name = name.to_owned();
        let change = move |client: &Client| {
            let proxy = client.find_proxy(&name)?;
            if proxy.proxy_pack.enabled != wanted {
                if wanted { proxy.enable()? } else { proxy.disable()? }
            }
            // The crate takes a refusal for success.
            enabled(&client.find_proxy(&name)?, wanted)
        };
        self.with(what, change).await
    }

    /// Adds a toxic behind those that a proxy has.
    pub(super) async fn add(&self, proxy: &str, toxic: &ToxicPack) -> Result<(), LinkError> {
        let request = self.http.post(self.url(&format!("proxies/{proxy}/toxics"))).json(toxic);
        self.send(&format!("the toxic {}", toxic.r#type), request).await
    }

    /// Takes a toxic from a proxy.
    pub(super) async fn remove(&self, proxy: &str, toxic: &str) -> Result<(), LinkError> {
        let request = self.http.delete(self.url(&format!("proxies/{proxy}/toxics/{toxic}")));
        self.send(&format!("to remove {toxic}"), request).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.api)
    }

    async fn send(&self, what: &str, request: reqwest::RequestBuilder) -> Result<(), LinkError> {
        let answer = request.send().await.map_err(|error| self.failed(what, error.to_string()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let status = answer.status();
        let said = answer.text().await.unwrap_or_default();
        Err(self.failed(what, format!("{status}: {}", said.trim())))
    }

    /// Makes blocking calls on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        what: &str,
        call: impl FnOnce(&Client) -> Result<T, String> + Send + 'static,
    ) -> Result<T, LinkError> {
        let client = self.client.clone();
        let called = tokio::task::spawn_blocking(move || call(&client)).await;
        called.map_err(|error| self.failed(what, error.to_string()))?.map_err(|why| self.failed(what, why))
    }

    fn failed(&self, what: &str, why: String) -> LinkError {
        LinkError::Toxiproxy { api: self.api, what: what.to_owned(), why }
    }
}

fn nobody() -> String {
    "nobody listens there".to_owned()
}

fn enabled(proxy: &Proxy, wanted: bool) -> Result<(), String> {
    let Proxy { proxy_pack, .. } = proxy;
    if proxy_pack.enabled == wanted { Ok(()) } else { Err(format!("{} stayed as it was", proxy_pack.listen)) }
}
