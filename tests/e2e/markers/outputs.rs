//! Everything that comes out of a gateway and its commands.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use cuttle_tests::{Gateway, TestResult, bundled_plugin, command, fixture, gateway_binary, soon};
use serde_json::{Value, json};

use super::{planted::Planted, traffic};

/// What is searched.
#[derive(Default)]
pub(super) struct Outputs(Vec<(String, bool, String)>);

impl Outputs {
    fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((name.into(), false, text.into()));
    }

    /// Name, whether what requests and answers carry may be in it, and the text.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, bool, &str)> {
        let all = self.0.iter();
        all.map(|(name, passes, text)| (name.as_str(), *passes, text.as_str()))
    }

    /// Runs it, asks for everything, reloads it well and badly, and ends it.
    pub(super) async fn serve(
        &mut self,
        planted: &Planted,
        arguments: &[&str],
        filter: Option<&str>,
    ) -> TestResult {
        let mut configured = Gateway::configured(planted.config.clone()).dir(&planted.folder);
        for (name, value) in &planted.environment {
            configured = configured.env(name, value);
        }
        for argument in arguments {
            configured = configured.argument(argument);
        }
        if let Some(filter) = filter {
            configured = configured.env("CUTTLE_LOG", filter);
        }
        let watch = Watch::start(planted.folder.path());
        let mut gateway = configured.start().await?;
        self.add("the compiler's process", watch.end());
        let line = fs::read(format!("/proc/{}/cmdline", gateway.pid()))?;
        self.add("the command line", String::from_utf8_lossy(&line));
        for (index, (request, passes)) in traffic::requests().into_iter().enumerate() {
            let answer = gateway.ask(request).await?;
            let name = format!("answer {index}: {}", answer.head.raw);
            let text = format!("{}{}", answer.head.raw, answer.body);
            self.0.push((name, passes, text));
        }
        gateway.write(&broken(&planted.config).to_string())?;
        gateway.signal(cuttle_tests::Signal::HUP)?;
        let failed = |line: &str| line.contains("reload failed");
        gateway.log().line("the reload", failed).await;
        gateway.stop().await?;
        self.add("the log", gateway.log().text());
        for folder in ["tmp", "cache", "recorded"] {
            self.files(planted.folder.path(), folder);
        }
        Ok(())
    }

    /// Runs what was recorded.
    pub(super) async fn test_recorded(&mut self, planted: &Planted) {
        for component in [bundled_plugin(), fixture("hands-on")] {
            let component = component.display().to_string();
            let arguments = ["plugin", "test", &component, "recorded"];
            let text = told(planted, &arguments).await;
            assert!(text.contains("ok "), "{text}");
            self.add("plugin test", text);
        }
    }

    /// What is said of the configuration, as it is and with mistakes.
    pub(super) async fn tell(&mut self, planted: &Planted) -> TestResult {
        let folder = planted.folder.path();
        let tls =
            |key| json!({ "keys": [{ "public_key": "listener/cert.pem", "private_key": key }] });
        let mut good = planted.config.clone();
        good["tls"] = tls("listener/key.pem");
        let mut bad = broken(&good);
        // Not the key of that certificate.
        bad["tls"] = tls("client/key.pem");
        fs::write(folder.join("good.json"), good.to_string())?;
        fs::write(folder.join("bad.json"), bad.to_string())?;
        for file in ["good.json", "bad.json"] {
            for more in [
                &["-t"][..],
                &["-d"],
                &["-ddd"],
                &["--egress"],
                &["--json"],
                &["--egress", "--json"],
                &["--lint"],
                &["--lint", "--json"],
            ] {
                let arguments = [&["check", "-c", file], more].concat();
                let text = told(planted, &arguments).await;
                assert!(text.contains(file), "{text}");
                self.add(arguments.join(" "), text);
            }
        }
        self.add(
            "run",
            refused(planted, &["run", "-c", "bad.json", "-p", "0"]).await,
        );
        self.explain(planted).await;
        Ok(())
    }

    async fn explain(&mut self, planted: &Planted) {
        for (path, method) in [
            ("/client/user", "GET"),
            ("/plugin/user", "GET"),
            ("/plugin/file", "GET"),
            ("/pac", "GET"),
            ("/environment", "GET"),
            ("/environment/tls", "GET"),
            ("/host", "GET"),
            ("/signed", "GET"),
            ("/list", "POST"),
            ("/broken", "GET"),
            ("/signed/", "GET"),
            ("/nowhere", "GET"),
        ] {
            let (target, fields) = traffic::asked(path);
            let mut arguments = vec!["explain", method, target.as_str(), "-c", "good.json"];
            fields
                .iter()
                .for_each(|field| arguments.extend(["-H", field.as_str()]));
            for json in [&[][..], &["--json"]] {
                let text = told(planted, &[&arguments[..], json].concat()).await;
                assert!(text.contains(path), "{text}");
                self.add(format!("explain {path}"), text);
            }
        }
    }

    /// Every file below `name`, whatever is in it.
    fn files(&mut self, folder: &Path, name: &str) {
        let Ok(entries) = fs::read_dir(folder.join(name)) else {
            return;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            let shown = path.display().to_string();
            match fs::read(&path) {
                Ok(bytes) => self.add(shown, String::from_utf8_lossy(&bytes)),
                Err(_) => self.files(path.parent().expect("a folder"), &shown),
            }
        }
    }
}

/// The same with mistakes beside the secrets, and of them.
fn broken(config: &Value) -> Value {
    let mut config = config.clone();
    let endpoints = config["endpoints"].as_array_mut().expect("a list");
    for endpoint in &mut *endpoints {
        endpoint["timeout"] = json!("3");
        endpoint["unknown_key"] = json!(1);
        let extra = &mut endpoint["backend"][0]["extra_config"];
        for namespace in ["backend/http/client", "plugin/http-client"] {
            let Some(settings) = extra.get_mut(namespace).and_then(Value::as_object_mut) else {
                continue;
            };
            settings.insert("proxy_adress".to_owned(), json!("x"));
            settings.remove("proxy_username");
            if let Some(address) = settings.get_mut("proxy_address")
                && let Some(text) = address.as_str()
            {
                *address = json!(text.replace("http://", "htp://"));
            }
        }
    }
    config
}

async fn told(planted: &Planted, arguments: &[&str]) -> String {
    let mut command = command(gateway_binary(), arguments);
    let output = command
        .current_dir(planted.folder.path())
        .envs(
            planted
                .environment
                .iter()
                .map(|(name, value)| (name, value)),
        )
        .output();
    let output = soon("the command's end", output)
        .await
        .expect("a command that runs");
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).into_owned()
}

async fn refused(planted: &Planted, arguments: &[&str]) -> String {
    let text = told(planted, arguments).await;
    assert!(!text.contains("listening"), "{text}");
    text
}

/// Looks at the processes that compile plugins.
struct Watch {
    done: Arc<AtomicBool>,
    watching: std::thread::JoinHandle<String>,
}

impl Watch {
    /// Those that run in `folder`.
    fn start(folder: &Path) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let (folder, ended) = (folder.to_owned(), Arc::clone(&done));
        let watching = std::thread::spawn(move || {
            let mut seen = std::collections::BTreeSet::new();
            while !ended.load(Ordering::Relaxed) {
                seen.extend(compilers(&folder));
                std::thread::yield_now();
            }
            seen.into_iter().collect::<Vec<_>>().join("\n")
        });
        Self { done, watching }
    }

    /// Their command lines and environments.
    fn end(self) -> String {
        self.done.store(true, Ordering::Relaxed);
        let text = self.watching.join().expect("a thread that ends");
        assert!(text.contains("compile-apart"), "nobody was seen at work");
        text
    }
}

fn compilers(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("the processes").flatten();
    let compiler = |process: fs::DirEntry| {
        let path = process.path();
        let line = String::from_utf8_lossy(&fs::read(path.join("cmdline")).ok()?).into_owned();
        let ours =
            line.contains("compile-apart") && fs::read_link(path.join("cwd")).ok()? == folder;
        // From the same moment on both are the child's own.
        let environment = fs::read(path.join("environ")).ok()?;
        ours.then(|| line + &String::from_utf8_lossy(&environment))
    };
    processes.filter_map(compiler).collect()
}
