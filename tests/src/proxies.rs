//! Real forward proxies, each with a folder, a configuration and an access log
//! of its own.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{net::TcpStream, process::Child};

use crate::{Log, binary, script::listen, soon};

/// User name and password for a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// User name.
    pub user: &'static str,
    /// Password.
    pub password: &'static str,
}

/// tinyproxy. It is ended when this is dropped.
#[derive(Debug)]
pub struct Tinyproxy(Running);

/// Squid. It is ended when this is dropped.
#[derive(Debug)]
pub struct Squid(Running);

#[derive(Debug)]
struct Running {
    child: Child,
    address: SocketAddr,
    access_log: PathBuf,
    output: Log,
    /// Goes last: the process writes into it.
    _folder: TempDir,
}

/// How a kind of proxy is run.
struct Kind {
    program: &'static str,
    package: &'static str,
    arguments: &'static [&'static str],
    configuration: fn(u16, &Path, Option<Credentials>) -> String,
}

/// Names that only squid knows.
const HOSTS: &str = "127.0.0.1 localhost origin.test\n";

const TINYPROXY: Kind = Kind {
    program: "tinyproxy",
    package: "tinyproxy-bin",
    arguments: &["-d", "-c", "proxy.conf"],
    configuration: |port, folder, credentials| {
        let auth =
            credentials.map(|found| format!("BasicAuth {} {}\n", found.user, found.password));
        format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 100\nLogLevel Connect\nLogFile \"{}\"\n{}",
            folder.join("access.log").display(),
            auth.unwrap_or_default(),
        )
    },
};

const SQUID: Kind = Kind {
    program: "squid",
    package: "squid-openssl",
    arguments: &["-N", "-f", "proxy.conf"],
    configuration: |port, folder, credentials| {
        let auth = credentials.map_or_else(
            || "http_access allow all\n".to_owned(),
            |_| {
                let helper = folder.join("auth.sh");
                format!(
                    "auth_param basic program {}\nauth_param basic children 1 startup=1\n\
                     acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\n",
                    helper.display()
                )
            },
        );
        let folder = folder.display();
        format!(
            "http_port 127.0.0.1:{port}\npid_filename {folder}/pid\ncoredump_dir {folder}\n\
             access_log stdio:{folder}/access.log squid\ncache_log {folder}/cache.log\n\
             logfile_rotate 0\nhosts_file {folder}/hosts\ncache deny all\nshutdown_lifetime 0 seconds\n\
             visible_hostname squid.test\ncache_effective_user proxy\npinger_enable off\n{auth}"
        )
    },
};

impl Tinyproxy {
    /// Starts it, with Basic authentication if there are credentials.
    pub async fn start(credentials: Option<Credentials>) -> Self {
        Self(Running::start(&TINYPROXY, credentials).await)
    }
}

impl Squid {
    /// Starts it, with Basic authentication if there are credentials.
    pub async fn start(credentials: Option<Credentials>) -> Self {
        Self(Running::start(&SQUID, credentials).await)
    }
}

macro_rules! peer {
    ($($name:ident)*) => {$(
        impl $name {
            /// Address for `proxy_address`, without credentials.
            #[must_use]
            pub fn url(&self) -> String {
                format!("http://{}", self.0.address)
            }

            /// Address with this in front of the host.
            #[must_use]
            pub fn url_with(&self, userinfo: &str) -> String {
                format!("http://{userinfo}@{}", self.0.address)
            }

            /// Its access log so far.
            #[must_use]
            pub fn access_log(&self) -> String {
                fs::read_to_string(&self.0.access_log).unwrap_or_default()
            }

            /// Waits for a line of the access log; returns it. Squid writes
            /// the line of a tunnel when the tunnel ends.
            pub async fn logged(&self, text: &str) -> String {
                self.0.logged(text).await
            }
        }
    )*};
}
peer!(Tinyproxy Squid);

impl Running {
    /// Neither proxy can choose a port, so another try is needed when somebody
    /// takes the chosen one first.
    async fn start(kind: &Kind, credentials: Option<Credentials>) -> Self {
        let program = find(kind);
        let mut logs = String::new();
        for _ in 0..5 {
            match Self::attempt(&program, kind, credentials).await {
                Ok(running) => return running,
                Err(log) => logs.push_str(&log),
            }
        }
        panic!("{} does not start:\n{logs}", kind.program)
    }

    async fn attempt(
        program: &Path,
        kind: &Kind,
        credentials: Option<Credentials>,
    ) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        // Squid started by root goes on as another user.
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("our own folder");
        if let Some(credentials) = credentials {
            write_helper(&path.join("auth.sh"), credentials);
        }
        fs::write(path.join("hosts"), HOSTS).expect("a file for names");
        let (listener, address) = listen().await;
        let configuration = (kind.configuration)(address.port(), path, credentials);
        fs::write(path.join("proxy.conf"), configuration).expect("a file for the configuration");
        drop(listener);

        let mut command = binary::command(program, kind.arguments);
        command.current_dir(path).env("PATH", "/usr/bin:/bin");
        let mut child = command.spawn().expect("a program that starts");
        let output = Log::default();
        output.follow(child.stdout.take().expect("standard output"));
        output.follow(child.stderr.take().expect("standard error"));
        if !soon("the proxy to listen", listens(&mut child, address)).await {
            let cache_log = fs::read_to_string(path.join("cache.log")).unwrap_or_default();
            return Err(format!("{}\n{cache_log}", output.text()));
        }
        Ok(Self {
            child,
            address,
            access_log: path.join("access.log"),
            output,
            _folder: folder,
        })
    }

    async fn logged(&self, text: &str) -> String {
        let search = async {
            loop {
                let log = fs::read_to_string(&self.access_log).unwrap_or_default();
                if let Some(line) = log.lines().find(|line| line.contains(text)) {
                    return line.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(crate::PATIENCE, search).await {
            Ok(line) => line,
            Err(_) => {
                let log = fs::read_to_string(&self.access_log).unwrap_or_default();
                let (pid, output) = (self.child.id(), &self.output);
                panic!("{text:?} is not in the access log of process {pid:?}:\n{log}\n{output:?}")
            }
        }
    }
}

/// Whether it accepts connections; `false` if it has ended.
async fn listens(child: &mut Child, address: SocketAddr) -> bool {
    loop {
        if child.try_wait().expect("our own child").is_some() {
            return false;
        }
        if TcpStream::connect(address).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn find(kind: &Kind) -> PathBuf {
    let folders = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let found = folders
        .map(|folder| Path::new(folder).join(kind.program))
        .into_iter()
        .find(|path| path.exists());
    found.unwrap_or_else(|| {
        panic!(
            "{} is missing: install the package {}",
            kind.program, kind.package
        )
    })
}

/// Squid asks a program about credentials, one `user password` a line, both
/// percent-encoded.
fn write_helper(path: &Path, credentials: Credentials) {
    let (user, password) = (encoded(credentials.user), encoded(credentials.password));
    let script = format!(
        "#!/bin/sh\nwhile read -r user password; do\n\
         if [ \"$user\" = '{user}' ] && [ \"$password\" = '{password}' ]; then echo OK; else echo ERR; fi\ndone\n"
    );
    fs::write(path, script).expect("a file for the helper");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Exchange, Origin, Outgoing};

    const BOB: Credentials = Credentials {
        user: "bob",
        password: "s3cret",
    };

    /// `bob:s3cret`
    const AUTHORIZATION: &str = "Basic Ym9iOnMzY3JldA==";

    async fn get(proxy: SocketAddr, target: &str, authorization: Option<&str>) -> u16 {
        let mut request = Outgoing::new("GET", target).field("Connection", "close");
        if let Some(value) = authorization {
            request = request.field("Proxy-Authorization", value);
        }
        Exchange::ask(proxy, request)
            .await
            .expect("an answer")
            .status
    }

    #[tokio::test]
    async fn both_proxies_pass_requests_on_and_log_them() {
        let origin = Origin::replying("ok").await;
        let (tinyproxy, squid) = (Tinyproxy::start(None).await, Squid::start(None).await);
        let target = format!("{}/seen", origin.url());
        assert_eq!(get(tinyproxy.0.address, &target, None).await, 200);
        assert_eq!(get(squid.0.address, &target, None).await, 200);
        tinyproxy.logged("/seen").await;
        squid.logged("/seen").await;
        assert_eq!(origin.hits(), 2);
    }

    #[tokio::test]
    async fn both_proxies_ask_for_the_credentials_they_were_given() {
        let origin = Origin::replying("ok").await;
        let (tinyproxy, squid) = (
            Tinyproxy::start(Some(BOB)).await,
            Squid::start(Some(BOB)).await,
        );
        for address in [tinyproxy.0.address, squid.0.address] {
            let target = origin.url();
            assert_eq!(get(address, &target, None).await, 407);
            assert_eq!(get(address, &target, Some(AUTHORIZATION)).await, 200);
        }
        assert_eq!(origin.hits(), 2);
    }
}
