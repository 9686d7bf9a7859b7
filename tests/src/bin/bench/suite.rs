//! What is measured: groups of rows, each a contender under a load.

use std::time::Duration;

use anyhow::Context;
use cuttle_tests::Authority;
use serde_json::json;

use crate::{
    arguments::Arguments,
    contender::{Contender, Way},
    cuttle::{self, Surroundings},
    load::{self, Load, Round},
    peers::{Kind, MARKER, NotInstalled, Peer, Scene},
};

/// Everyone with a small answer, 32 at a time.
pub(crate) const SMALL: &str = "small";
/// Other numbers of connections.
pub(crate) const CONNECTIONS: &str = "connections";
/// Large bodies, 16 at a time.
pub(crate) const BODIES: &str = "bodies";
/// Other numbers of endpoints.
pub(crate) const ENDPOINTS: &str = "endpoints";
/// Clients that speak TLS.
pub(crate) const TLS: &str = "tls";
/// All groups, in the order of the report.
pub(crate) const GROUPS: [&str; 5] = [SMALL, CONNECTIONS, BODIES, ENDPOINTS, TLS];

/// One contender under one load.
pub(crate) struct Row {
    pub(crate) group: &'static str,
    /// Index into [`Suite::contenders`].
    pub(crate) contender: usize,
    pub(crate) load: Load,
    pub(crate) rounds: Vec<Round>,
}

/// Everybody who takes part, running.
pub(crate) struct Suite {
    pub(crate) contenders: Vec<Contender>,
    pub(crate) rows: Vec<Row>,
    /// Rivals that are not there.
    pub(crate) missing: Vec<String>,
    /// Those behind the contenders, until the end.
    _behind: Vec<Peer>,
    _authority: Authority,
    _folder: tempfile::TempDir,
}

impl Suite {
    pub(crate) async fn start(arguments: &Arguments) -> anyhow::Result<Self> {
        let authority = Authority::new();
        let folder = tempfile::tempdir()?;
        // nginx and Apache, started by root, read it as another user.
        cuttle::certificate(&authority, folder.path())?;
        let nobody = ([0, 0, 0, 0], 0).into();
        let mut scene = Scene {
            origin: nobody,
            proxy: nobody,
            certificate: folder.path().to_owned(),
        };
        let origin = Peer::product(Kind::Origin, &scene).await?;
        scene.origin = origin.address();
        let proxy = Peer::product(Kind::ForwardProxy, &scene).await?;
        scene.proxy = proxy.address();
        let tunnels = Peer::own("proxy", None).await?;

        let surroundings = Surroundings {
            scene: &scene,
            secure: origin.secure().context("an origin with TLS")?,
            tunnels: &tunnels,
            authority: &authority,
        };
        let mut cast = Cast::default();
        cast.relays(&scene).await?;
        if arguments.rivals {
            cast.rivals(&scene).await?;
        }
        cast.ours(&surroundings).await?;
        if arguments.wants(ENDPOINTS) {
            cast.endpoints(&surroundings).await?;
        }
        let rows = cast.rows(arguments);
        Ok(Self {
            rows,
            contenders: cast.contenders,
            missing: cast.missing,
            _behind: vec![origin, proxy, tunnels],
            _authority: authority,
            _folder: folder,
        })
    }

    /// All rows of a group take turns, so that a busy machine harms all alike.
    pub(crate) async fn measure(&mut self, rounds: u64, length: Duration) -> anyhow::Result<()> {
        for group in GROUPS {
            let contenders = &self.contenders;
            let mut rows: Vec<_> = self
                .rows
                .iter_mut()
                .filter(|row| row.group == group)
                .collect();
            for row in &rows {
                check(contenders, row).await?;
                let contender = &contenders[row.contender];
                let warm = load::warm_up(contender, &row.load).await;
                warm.with_context(|| contender.name.clone())?;
            }
            for _ in 0..rounds {
                for row in &mut rows {
                    let contender = &contenders[row.contender];
                    let round = load::round(contender, &row.load, length).await;
                    row.rounds
                        .push(round.with_context(|| contender.name.clone())?);
                }
            }
            for row in &rows {
                check(contenders, row).await?;
            }
        }
        Ok(())
    }

    /// Ends the gateways as an operator would: what one counts of itself, as an
    /// instrumented build does, it writes at its end.
    pub(crate) async fn end(self) -> anyhow::Result<()> {
        for contender in self.contenders {
            contender.end().await?;
        }
        Ok(())
    }
}

async fn check(contenders: &[Contender], row: &Row) -> anyhow::Result<()> {
    let contender = &contenders[row.contender];
    let verified = contender.verify(&row.load).await;
    verified.with_context(|| {
        let (name, log) = (&contender.name, contender.log());
        format!("{name} with {:?}\n{log}", row.load)
    })
}

/// Contenders on their way in.
#[derive(Default)]
struct Cast {
    contenders: Vec<Contender>,
    missing: Vec<String>,
}

impl Cast {
    async fn relays(&mut self, scene: &Scene) -> anyhow::Result<()> {
        let relay = Peer::own("relay", Some(scene.origin)).await?;
        let far = Peer::own("relay", Some(relay.address())).await?;
        let relays = [("bare relay", relay), ("relay to relay", far)];
        for (name, peer) in relays {
            self.contenders
                .push(Contender::peer(name, peer, Way::Direct)?);
        }
        Ok(())
    }

    async fn rivals(&mut self, scene: &Scene) -> anyhow::Result<()> {
        for (name, kind, way) in [
            ("nginx", Kind::Nginx, Way::Direct),
            ("HAProxy", Kind::Haproxy, Way::Direct),
            ("Envoy", Kind::Envoy, Way::Direct),
            ("Caddy", Kind::Caddy, Way::Direct),
            ("Caddy, proxy", Kind::CaddyProxied, Way::Marked),
            ("Apache, proxy", Kind::ApacheRemote, Way::Marked),
        ] {
            match Peer::product(kind, scene).await {
                Ok(peer) => self.contenders.push(Contender::peer(name, peer, way)?),
                Err(error) if error.is::<NotInstalled>() => {
                    self.missing.push(format!("{name}: {error}"));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn ours(&mut self, around: &Surroundings<'_>) -> anyhow::Result<()> {
        // One for each of the largest number of connections.
        let instances = json!({ "instances": 1_000 });
        let many = json!({ "limits": { "http-proxy": instances, "hands-on": instances } });
        let mut fresh = many.clone();
        fresh["isolation"] = json!("request");
        self.contenders.extend([
            around.direct().await?,
            around.built_in().await?,
            around.plugin("plugin", many.clone()).await?,
            around.plugin("plugin, fresh", fresh).await?,
            around.chain(many).await?,
            around.data().await?,
            around.to_tls().await?,
            around.tunnel().await?,
            around.behind_tls().await?,
        ]);
        Ok(())
    }

    async fn endpoints(&mut self, around: &Surroundings<'_>) -> anyhow::Result<()> {
        for count in [1, 10, 1_000, 10_000] {
            self.contenders.push(around.endpoints(count).await?);
        }
        Ok(())
    }

    fn rows(&self, arguments: &Arguments) -> Vec<Row> {
        let mut rows = Vec::new();
        for (index, contender) in self.contenders.iter().enumerate() {
            for (group, load) in loads(contender) {
                if arguments.wants(group) {
                    rows.push(Row {
                        group,
                        contender: index,
                        load,
                        rounds: Vec::new(),
                    });
                }
            }
        }
        rows
    }
}

/// In which groups a contender takes part, and how.
fn loads(contender: &Contender) -> Vec<(&'static str, Load)> {
    let small = Load {
        path: "/bench".to_owned(),
        connections: 32,
        upload: 0,
        answer: MARKER.len(),
        tls: false,
    };
    let name = contender.name.as_str();
    if name.starts_with("direct, ") {
        return vec![(ENDPOINTS, small)];
    }
    let mut loads = Vec::new();
    if contender.secure == Some(contender.address) {
        let tls = Load { tls: true, ..small };
        return vec![(TLS, tls)];
    }
    if contender.secure.is_some() {
        let tls = true;
        loads.push((
            TLS,
            Load {
                tls,
                ..small.clone()
            },
        ));
    }
    if ["bare relay", "HAProxy", "direct", "plugin"].contains(&name) {
        for connections in [1, 256, 1_000] {
            let more = Load {
                connections,
                ..small.clone()
            };
            loads.push((CONNECTIONS, more));
        }
    }
    if [
        "bare relay",
        "nginx",
        "HAProxy",
        "Envoy",
        "direct",
        "plugin",
    ]
    .contains(&name)
    {
        loads.extend(bodies(&small).map(|load| (BODIES, load)));
    }
    loads.push((SMALL, small));
    loads
}

/// 64 KiB and 1 MiB, down and up.
fn bodies(small: &Load) -> [Load; 4] {
    let down = |path: &str, answer| Load {
        path: path.to_owned(),
        connections: 16,
        answer,
        ..small.clone()
    };
    let up = |upload| Load {
        path: "/up".to_owned(),
        connections: 16,
        upload,
        ..small.clone()
    };
    [
        down("/64k", 64 << 10),
        up(64 << 10),
        down("/1m", 1 << 20),
        up(1 << 20),
    ]
}
