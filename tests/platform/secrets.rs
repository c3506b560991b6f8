//! The token that Flux is given is seen nowhere: not in the state, in previews, logs, process arguments, files, or any
//! object of the cluster but the two Secrets that hold it for Flux.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value as Json, json};

use crate::{
    Cloud,
    platform::{CLUSTER, TOKEN, cloud, platform, script, until},
};

/// Where the token stands among these files and folders, in any form.
async fn holders(cloud: &Cloud, paths: &[&Path]) -> Vec<String> {
    let mut arguments = vec![TOKEN];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    let found = script(cloud, "find_needle.py", &arguments).await;
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_needle_is_found_in_every_form() {
    let cloud = Cloud::up().await;
    let folder = cloud.folder.path().join("planted");
    fs::create_dir_all(&folder).unwrap();
    let plant = format!(
        "import base64, gzip, pathlib\n\
         folder, needle = pathlib.Path({folder:?}), {TOKEN:?}.encode()\n\
         padded = [b'x' * shift + needle + b'tail' for shift in range(3)]\n\
         forms = {{'plain': padded[1], 'gzip': b'head' + gzip.compress(padded[0])}}\n\
         forms |= {{f'base64-{{n}}': base64.b64encode(data) for n, data in enumerate(padded)}}\n\
         forms |= {{f'url-{{n}}': base64.urlsafe_b64encode(data) for n, data in enumerate(padded)}}\n\
         forms['release'] = base64.b64encode(base64.b64encode(gzip.compress(padded[2])))\n\
         forms['nothing'] = b'ghp_another'\n\
         for name, data in forms.items():\n    (folder / name).write_bytes(data)\n\
         (folder / 'count').write_text(str(len(forms)))\n"
    );
    let python = crate::platform::python_program().await;
    assert!(
        cloud
            .cloud
            .command(&python)
            .args(["-c", &plant])
            .status()
            .unwrap()
            .success()
    );
    let planted: usize = fs::read_to_string(folder.join("count")).unwrap().parse().unwrap();
    let found = holders(&cloud, &[&folder]).await;
    // All but `nothing`.
    assert_eq!(found.len(), planted - 1, "{found:?}");
    assert!(found.iter().all(|path| !path.ends_with("nothing")));
}

/// Watches command lines and files while something runs.
struct Watch {
    ended: Arc<AtomicBool>,
    seen: thread::JoinHandle<BTreeSet<String>>,
}

impl Watch {
    fn over(folders: Vec<PathBuf>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let seen = thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                seen.extend(command_lines());
                for folder in &folders {
                    files_with_the_token(folder, &mut seen);
                }
                thread::park_timeout(Duration::from_millis(50));
            }
            seen
        });
        Self { ended, seen }
    }

    fn end(self) -> BTreeSet<String> {
        self.ended.store(true, Ordering::Relaxed);
        self.seen.join().unwrap()
    }
}

/// The processes that have the token among their arguments.
fn command_lines() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        // The search itself is told what to look for.
        .filter(|line| line.contains(TOKEN) && !line.contains("find_needle.py"))
        .collect()
}

/// A log of the engine's without the lines in which it traces, at level 9 and unredacted, each property that it sends and
/// receives: Pulumi's own, as `docs/cluster.md` says. Every other line stays.
fn without_the_engines_own(text: &str) -> String {
    let traces = |line: &&str| {
        [
            "\"msg\":\"Marshaling property for RPC[",
            "\"msg\":\"Unmarshaling property for RPC[",
        ]
        .iter()
        .any(|words| line.starts_with("{\"time\":") && line.contains(words))
    };
    text.lines()
        .filter(|line| !traces(line))
        .fold(String::new(), |mut kept, line| {
            kept.push_str(line);
            kept.push('\n');
            kept
        })
}

/// What stands around the token in the files that hold it: who wrote it.
fn surroundings(seen: &BTreeSet<String>) -> Vec<String> {
    let texts = seen.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts
        .flat_map(|text| {
            let lines = text.lines().filter(|line| line.contains(TOKEN));
            lines
                .map(|line| {
                    let at = line.find(TOKEN).unwrap();
                    let start = line.floor_char_boundary(at.saturating_sub(300));
                    format!(
                        "{} … {}",
                        &line[..line.floor_char_boundary(100.min(line.len()))],
                        &line[start..at]
                    )
                })
                .collect::<Vec<_>>()
        })
        .take(10)
        .collect()
}

/// Whether a file is of the local cloud's own Kubernetes: what AWS keeps of a cluster is not what we write.
fn is_of_the_cluster(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "etcd")
}

fn files_with_the_token(folder: &Path, seen: &mut BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else { continue };
        if is_of_the_cluster(&path) {
            continue;
        }
        if kind.is_dir() {
            files_with_the_token(&path, seen);
        } else if kind.is_file()
            && let Ok(data) = fs::read(&path)
            && data.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
        {
            seen.insert(path.display().to_string());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_seen_nowhere() {
    let cloud = cloud(Duration::from_millis(500)).await;
    let folder = cloud.folder.path().to_owned();
    let temporary = folder.join("tmp");
    let told = folder.join("told");
    for made in [&temporary, &told] {
        fs::create_dir_all(made).unwrap();
    }
    let stack = platform(&cloud, &[]).with_env("TMPDIR", temporary.to_str().unwrap());
    let keep = |name: &str, text: &str| fs::write(told.join(name), without_the_engines_own(text)).unwrap();
    let raw = tempfile::tempdir().unwrap();

    let preview = stack.run(&["preview", "--diff", "--logtostderr", "-v=9"]);
    keep("preview", &preview.text);
    assert!(preview.success, "{}", preview.text);

    let watch = Watch::over(vec![folder.clone()]);
    let log = fs::File::create(raw.path().join("up")).unwrap();
    let mut up = stack
        .command(&["up", "--yes", "--diff", "--skip-preview", "--logtostderr", "-v=9"])
        .stdout(Stdio::from(log.try_clone().unwrap()))
        .stderr(Stdio::from(log))
        .spawn()
        .unwrap();
    // While the Job runs, its Secret holds the token, and no other object does.
    let mut objects = 0;
    let mut watchers = Vec::new();
    let ended = until(|| {
        let ended = up.try_wait().unwrap();
        if let Some(all) = every_object(&cloud) {
            objects += 1;
            keep(&format!("objects-{objects}.json"), &all.to_string());
            if watchers.is_empty() {
                watchers.extend(OF_A_JOB.map(|kind| follow(&cloud, kind, &told.join(format!("all-{kind}.json")))));
                watchers.push(follow(&cloud, "secrets", &raw.path().join("secrets")));
            }
        }
        async move { ended }
    })
    .await;
    for mut watcher in watchers {
        watcher.kill().unwrap();
        watcher.wait().unwrap();
    }
    let secrets = fs::read_to_string(raw.path().join("secrets")).unwrap();
    let of_job = |line: &str| line.starts_with("flux-bootstrap/");
    assert!(secrets.lines().any(of_job), "the Job was given no Secret: {secrets}");
    let said = fs::read_to_string(raw.path().join("up")).unwrap();
    assert!(ended.success(), "{said}");
    assert!(said.contains("provider"), "a log at level 9 speaks of the provider");
    keep("up", &said);
    let seen = watch.end();
    assert_eq!(seen, BTreeSet::new(), "while it came up: {:#?}", surroundings(&seen));

    keep("state", &stack.state().to_string());
    keep(
        "again",
        &stack
            .run(&["preview", "--diff", "--refresh", "--logtostderr", "-v=9"])
            .text,
    );
    keep("objects-last.json", &every_object(&cloud).unwrap().to_string());
    let roots: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let roots: Vec<&Path> = roots.iter().map(PathBuf::as_path).collect();
    let found: Vec<String> = holders(&cloud, &roots)
        .await
        .into_iter()
        .filter(|path| !is_of_the_cluster(Path::new(path)))
        .collect();
    assert_eq!(found, Vec::<String>::new());
    stack.destroy();
}

/// What a Job is made of, and what is told of it.
const OF_A_JOB: [&str; 6] = [
    "jobs",
    "pods",
    "events",
    "configmaps",
    "serviceaccounts",
    "clusterrolebindings",
];

/// Writes down every state that objects of a kind are ever in, however short it lasts; of Secrets the names alone.
fn follow(cloud: &Cloud, kind: &str, file: &Path) -> Child {
    let form = if kind == "secrets" {
        r#"--output=jsonpath={.metadata.namespace}/{.metadata.name}{"\n"}"#
    } else {
        "--output=json"
    };
    let kubeconfig = cloud.cloud.kubeconfig(CLUSTER).unwrap();
    let mut command = cloud.cloud.command("kubectl");
    command.arg("--kubeconfig").arg(kubeconfig);
    command.args([
        "get",
        kind,
        "--all-namespaces",
        "--watch",
        "--show-managed-fields",
        form,
    ]);
    command.stdout(fs::File::create(file).unwrap()).spawn().unwrap()
}

/// Every object of the cluster but the Secrets that hold the token for Flux; `None` while its API does not answer.
fn every_object(cloud: &Cloud) -> Option<Json> {
    let kubeconfig = cloud.cloud.kubeconfig(CLUSTER).ok()?;
    let kubectl = |arguments: &[&str]| {
        let mut command = cloud.cloud.command("kubectl");
        command.arg("--kubeconfig").arg(&kubeconfig).args(arguments);
        let output = command.output().unwrap();
        output.status.success().then_some(output.stdout)
    };
    let kinds = kubectl(&["api-resources", "--verbs=list", "--output=name"])?;
    let kinds: Vec<String> = String::from_utf8(kinds).unwrap().lines().map(str::to_owned).collect();
    let all = kubectl(&[
        "get",
        &kinds.join(","),
        "--all-namespaces",
        "--output=json",
        "--show-managed-fields",
    ])?;
    let all: Json = serde_json::from_slice(&all).ok()?;
    let items = all["items"].as_array()?;
    let is_flux_secret = |item: &Json| {
        item["kind"] == "Secret"
            && (item["metadata"]["namespace"] == "flux-system" || item["metadata"]["namespace"] == "flux-bootstrap")
    };
    let (kept, secrets): (Vec<_>, Vec<_>) = items.iter().cloned().partition(|item| !is_flux_secret(item));
    assert!(secrets.len() <= 3, "{secrets:?}");
    Some(json!(kept))
}
