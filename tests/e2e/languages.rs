//! Plugins in other languages: the project that `cuttle plugin new` writes is
//! built by its own `make`, tested by its own `make test`, and run as its README
//! says. It is its example, `examples/plugins/<language>`, under another name.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use cuttle_tests::{Gateway, Origin, Product, Project, RealProxy, TestResult, command, run, soon};
use serde_json::{Value, json};

/// Requests that one instance answers in a row: more than it may hold handles,
/// so that a language that is slow to drop them would show.
const IN_A_ROW: usize = 1_100;

#[tokio::test]
async fn a_plugin_in_rust() -> TestResult {
    // Its own tests would compile the kit for this machine, too.
    let project = Project::build("greets-rust", "rust", &[("make", "make")], "all")?;
    let file = "plugins/greets-rust.wasm";
    for args in [
        &["test-plugin", file][..],
        &["plugin", "test", file, "cases.yaml"],
    ] {
        let tested = run(project.folder(), args).await;
        assert_eq!(tested.code, 0, "{tested:?}");
    }
    works(&project, "greets-rust").await
}

#[tokio::test]
async fn a_plugin_in_javascript() -> TestResult {
    let tools = [("make", "make"), ("node", "nodejs"), ("npm", "npm")];
    let project = Project::build("greets-js", "js", &tools, "test")?;
    works(&project, "greets-js").await
}

#[tokio::test]
async fn a_plugin_in_c() -> TestResult {
    let tools = [
        ("make", "make"),
        ("clang", "clang"),
        ("wasm-ld", "lld"),
        ("cc", "gcc"),
    ];
    let project = Project::build("greets-c", "c", &tools, "test")?;
    works(&project, "greets-c").await
}

#[tokio::test]
async fn a_plugin_in_python_also_through_a_forward_proxy() -> TestResult {
    let tools = [("make", "make"), ("python3", "python3-venv")];
    let project = Project::build("greets-python", "python", &tools, "test")?;
    works(&project, "greets-python").await?;

    let (origin, proxy) = (
        Origin::replying("ok").await,
        RealProxy::start(Product::Tinyproxy, None).await,
    );
    let mut config = configuration(&project, &origin)?;
    settings(&mut config)["proxy_address"] = json!(proxy.url());
    let gateway = start(&project, &config).await?;
    let answer = gateway.get("/hello").await?;
    assert_eq!(answer.status, 200, "{:?}", gateway.log());
    assert_eq!(origin.last().head.field("x-greeting"), Some("good morning"));
    proxy.logged("/hello").await;
    Ok(())
}

async fn works(project: &Project, name: &str) -> TestResult {
    let origin = Origin::replying("hello from the origin\n").await;
    let config = configuration(project, &origin)?;
    let first = start(project, &config).await?;
    answers_as_the_readme_says(project, &first).await?;
    let head = origin.last().head;
    assert_eq!(head.field("x-greeting"), Some("good morning"));
    for _ in 0..IN_A_ROW {
        let answer = first.get("/hello").await?;
        assert_eq!(answer.status, 200, "{:?}", first.log());
    }
    assert_eq!(first.warnings(), Vec::<String>::new());
    drop(first);

    takes_machine_code_from_the_cache(project, &config).await?;
    refuses_settings(project, config).await?;
    fails_a_request_without_a_backend(project, &origin, name).await
}

/// The project's own configuration, for this origin, with the cache that its
/// build has filled.
fn configuration(project: &Project, origin: &Origin) -> anyhow::Result<Value> {
    let text = fs::read_to_string(project.folder().join("krakend.json"))?;
    let mut config: Value = serde_json::from_str(&text)?;
    config["timeout"] = json!("30s");
    config["endpoints"][0]["backend"][0]["host"] = json!([origin.url()]);
    config["plugin"]["folder"] = json!(project.folder().join("plugins"));
    config["extra_config"]["cuttle/plugins"]["cache_dir"] = json!(cache(project));
    Ok(config)
}

fn settings(config: &mut Value) -> &mut Value {
    &mut config["endpoints"][0]["backend"][0]["extra_config"]["plugin/http-client"]
}

fn cache(project: &Project) -> PathBuf {
    project.folder().join("cache")
}

/// Loads before it listens, for as long as a machine needs that is busy with
/// other compilers: only the start with machine code has to be soon.
async fn start(project: &Project, config: &Value) -> anyhow::Result<Gateway> {
    if machine_code(&cache(project)).unwrap_or_default().is_empty() {
        compile(project, config).await?;
    }
    Gateway::start(config.clone()).await
}

async fn compile(project: &Project, config: &Value) -> TestResult {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("krakend.json"), config.to_string())?;
    let mut check = command(
        cuttle_tests::gateway_binary(),
        &["check", "-c", "krakend.json"],
    );
    let checked = check.current_dir(folder.path()).output().await?;
    let said = String::from_utf8_lossy(&checked.stderr);
    anyhow::ensure!(checked.status.success(), "{project:?}: {said}");
    Ok(())
}

/// The only `curl` line of the README prints the only `text` block.
async fn answers_as_the_readme_says(project: &Project, gateway: &Gateway) -> TestResult {
    let readme = fs::read_to_string(project.folder().join("README.md"))?;
    let curl = readme
        .lines()
        .find(|line| line.starts_with("curl "))
        .expect("a curl line");
    let curl = curl.replace("127.0.0.1:8080", &gateway.address().to_string());
    let answer = readme.split("```text\n").nth(1).expect("an answer");
    let answer = answer.split("```").next().unwrap_or_default();

    let mut shell = command("/bin/sh", &["-c", &curl]);
    let output = soon("curl's answer", shell.env("PATH", "/usr/bin:/bin").output()).await?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.replace('\r', ""), answer, "{:?}", gateway.log());
    Ok(())
}

/// The cache counts its uses: one more start is one more use, and no file of
/// machine code is new or written anew.
async fn takes_machine_code_from_the_cache(project: &Project, config: &Value) -> TestResult {
    let cache = cache(project);
    let (code, uses) = (machine_code(&cache)?, uses(&cache)?);
    assert!(!code.is_empty(), "nothing in {cache:?}");
    let second = Gateway::start(config.clone()).await?;
    assert_eq!(second.get("/hello").await?.status, 200);
    let counted = async {
        while self::uses(&cache).is_ok_and(|now| now <= uses) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("the cache to count its use", counted).await;
    assert_eq!(machine_code(&cache)?, code);
    Ok(())
}

/// Files of machine code, and when they were written.
fn machine_code(cache: &Path) -> io::Result<BTreeMap<PathBuf, std::time::SystemTime>> {
    let mut code = BTreeMap::new();
    for path in entries(cache)? {
        if path.extension().is_none() {
            code.insert(path.clone(), path.metadata()?.modified()?);
        }
    }
    Ok(code)
}

/// Uses of everything in the cache, from its statistics.
fn uses(cache: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for path in entries(cache)? {
        if path
            .extension()
            .is_some_and(|extension| extension == "stats")
        {
            let text = fs::read_to_string(path)?;
            let count = text.lines().find_map(|line| line.strip_prefix("usages = "));
            sum += count
                .and_then(|count| count.parse::<u64>().ok())
                .unwrap_or(0);
        }
    }
    Ok(sum)
}

/// `<cache>/code/modules/<compiler>/<file>`
fn entries(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for compiler in fs::read_dir(cache.join("code/modules"))? {
        for entry in fs::read_dir(compiler?.path())? {
            files.push(entry?.path());
        }
    }
    Ok(files)
}

async fn refuses_settings(project: &Project, mut config: Value) -> TestResult {
    settings(&mut config)["greeting"] = json!(1);
    let refused = Gateway::start(config).await;
    let said = format!("{:#}", refused.expect_err("a refusal"));
    assert!(said.contains("greeting"), "{project:?}: {said}");
    assert!(!said.contains("trapped"), "{project:?}: {said}");
    Ok(())
}

/// An error of the contract is returned as one, and costs no instance.
async fn fails_a_request_without_a_backend(
    project: &Project,
    origin: &Origin,
    name: &str,
) -> TestResult {
    let mut config = configuration(project, origin)?;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    config["endpoints"][0]["backend"][0]["host"] = json!([format!("http://{nobody}")]);
    let gateway = Gateway::start(config).await?;
    assert_eq!(gateway.get("/hello").await?.status, 500);
    gateway.access("/hello").await?;
    let log = gateway.log().text();
    assert!(log.contains(name) && log.contains("refused"), "{log}");
    assert!(!log.contains("trapped"), "{log}");
    Ok(())
}
