//! A stack's configuration, typed.

use std::{fmt, sync::Arc};

use groundwork_contract::{Input, Output};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Deployment;

/// The configuration of one namespace. Cheap to clone.
///
/// A value is text as it stands in the file, or JSON where the file has a structure; both are read into any type. The
/// engine hands secrets over in the clear and says by key which values hold one, so a text that is secret is only given
/// out as a secret output, while a structure may be read: type its secret leaves as [`Secret`].
#[derive(Debug, Clone)]
pub struct Config {
    deployment: Arc<Deployment>,
    namespace: String,
}

impl Config {
    pub(super) fn new(deployment: Arc<Deployment>, namespace: &str) -> Self {
        Self {
            deployment,
            namespace: namespace.to_owned(),
        }
    }

    fn full(&self, key: &str) -> String {
        format!("{}:{key}", self.namespace)
    }

    fn error(&self, key: &str, problem: Problem) -> ConfigError {
        ConfigError {
            key: self.full(key),
            problem,
        }
    }

    /// The keys that are set, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.deployment
            .config
            .keys()
            .filter_map(|key| key.strip_prefix(self.namespace.as_str())?.strip_prefix(':'))
    }

    /// What holds where nothing is set: the namespace's part of `$GROUNDWORK_DEFAULTS`.
    pub fn defaults(&self) -> Option<&Value> {
        self.deployment.defaults.get(&self.namespace)
    }

    /// Whether a key is set to something that holds a secret.
    pub fn is_secret(&self, key: &str) -> bool {
        self.deployment.secret_keys.contains(&self.full(key))
    }

    /// A value, if it is set.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.deployment.config.get(&self.full(key)) else {
            return Ok(None);
        };
        let secret = self.is_secret(key);
        if secret && structure(text).is_none() {
            return Err(self.error(key, Problem::Secret));
        }
        self.read(key, text, secret).map(Some)
    }

    /// A value that must be set.
    pub fn require<T: DeserializeOwned>(&self, key: &str) -> Result<T, ConfigError> {
        self.get(key)?.ok_or_else(|| self.error(key, Problem::Missing))
    }

    /// A structure, if it is set: JSON even where the type would take it as text.
    pub fn get_object<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.deployment.config.get(&self.full(key)) else {
            return Ok(None);
        };
        let Some(json) = structure(text) else {
            return Err(self.error(key, Problem::NoStructure));
        };
        typed(json)
            .map(Some)
            .map_err(|wrong| self.wrong::<T>(key, wrong, self.is_secret(key)))
    }

    /// A structure that must be set.
    pub fn require_object<T: DeserializeOwned>(&self, key: &str) -> Result<T, ConfigError> {
        self.get_object(key)?.ok_or_else(|| self.error(key, Problem::Missing))
    }

    /// A value that is never shown, if it is set.
    pub fn get_secret<T: Serialize + DeserializeOwned>(&self, key: &str) -> Result<Option<Output<T>>, ConfigError> {
        let Some(text) = self.deployment.config.get(&self.full(key)) else {
            return Ok(None);
        };
        self.read(key, text, true).map(|value: T| Some(Output::secret(value)))
    }

    /// A value that is never shown and must be set.
    pub fn require_secret<T: Serialize + DeserializeOwned>(&self, key: &str) -> Result<Output<T>, ConfigError> {
        self.get_secret(key)?.ok_or_else(|| self.error(key, Problem::Missing))
    }

    /// As text if the type takes text, as JSON otherwise.
    fn read<T: DeserializeOwned>(&self, key: &str, text: &str, secret: bool) -> Result<T, ConfigError> {
        let as_text = match typed(Value::String(text.to_owned())) {
            Ok(value) => return Ok(value),
            Err(wrong) => wrong,
        };
        let wrong = match serde_json::from_str::<Value>(text) {
            Ok(json) => match typed(unwrapped(json)) {
                Ok(value) => return Ok(value),
                Err(wrong) => wrong,
            },
            Err(_) => as_text,
        };
        Err(self.wrong::<T>(key, wrong, secret))
    }

    fn wrong<T>(&self, key: &str, wrong: Wrong, secret: bool) -> ConfigError {
        let Wrong { path, why } = wrong;
        // serde quotes what it found, which a secret must not be.
        let why = if secret {
            format!("is no {}", type_name::<T>())
        } else {
            why
        };
        self.error(key, Problem::Wrong { path, why })
    }
}

struct Wrong {
    path: String,
    why: String,
}

fn typed<T: DeserializeOwned>(json: Value) -> Result<T, Wrong> {
    serde_path_to_error::deserialize(json).map_err(|error| {
        let path = error.path().to_string();
        Wrong {
            path: if path == "." { String::new() } else { path },
            why: error.into_inner().to_string(),
        }
    })
}

fn type_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.split('<')
        .next()
        .and_then(|head| head.rsplit("::").next())
        .unwrap_or(name)
}

fn structure(text: &str) -> Option<Value> {
    let json = serde_json::from_str(text).ok()?;
    matches!(json, Value::Object(_) | Value::Array(_)).then(|| unwrapped(json))
}

/// A structure whose secrets are marked as they are in the stack's file (`{"secure": …}`) without the marks.
fn unwrapped(json: Value) -> Value {
    match json {
        Value::Object(mut map) => match (map.len(), map.remove("secure")) {
            (1, Some(Value::String(secret))) => Value::String(secret),
            (_, secure) => {
                map.extend(secure.map(|secure| ("secure".to_owned(), secure)));
                Value::Object(map.into_iter().map(|(key, value)| (key, unwrapped(value))).collect())
            }
        },
        Value::Array(items) => Value::Array(items.into_iter().map(unwrapped).collect()),
        other => other,
    }
}

/// A part of a structured configuration value that is secret: it goes on as a secret output and prints as nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Something that is not to be shown.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// It, as a secret output.
    pub fn output(&self) -> Output<T>
    where
        T: Clone + Serialize,
    {
        Output::secret(self.0.clone())
    }

    /// It, in the clear.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Serialize> From<&Secret<T>> for Input<T> {
    fn from(secret: &Secret<T>) -> Self {
        secret.output().into()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// A configuration value that is not as the program needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    key: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Missing,
    Secret,
    NoStructure,
    Wrong { path: String, why: String },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match &self.problem {
            Problem::Missing => write!(f, "config {key} is not set; `pulumi config set {key} <value>` sets it"),
            Problem::Secret => write!(f, "config {key} is secret, and the program would show it"),
            Problem::NoStructure => write!(f, "config {key} is neither an object nor a list"),
            Problem::Wrong { path, why } if path.is_empty() => write!(f, "config {key}: {why}"),
            Problem::Wrong { path, why } => write!(f, "config {key} at {path}: {why}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// Every configuration value that is not as the program needs it, told at once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value that was read, or `None` and one error more.
    pub fn check<T>(&mut self, value: Result<T, ConfigError>) -> Option<T> {
        value.map_err(|error| self.0.push(error)).ok()
    }

    /// All errors, if there are any.
    pub fn finish(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use groundwork_wire::PropertyValue;

    use super::*;

    fn config(values: &[(&str, &str)], secrets: &[&str]) -> Config {
        let deployment = Deployment {
            config: values
                .iter()
                .map(|(key, value)| (format!("platform:{key}"), (*value).to_owned()))
                .collect(),
            secret_keys: secrets.iter().map(|key| format!("platform:{key}")).collect(),
            ..Deployment::default()
        };
        Config::new(Arc::new(deployment), "platform")
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Network {
        zones: Vec<Zone>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Zone {
        name: String,
        bits: u8,
    }

    #[derive(Debug, Deserialize)]
    struct Flux {
        url: String,
        token: Secret<String>,
    }

    #[test]
    fn texts_numbers_truths_and_structures_are_read() {
        let config = config(
            &[
                ("name", "123"),
                ("nodes", "3"),
                ("on", "true"),
                ("network", r#"{"zones":[{"name":"a","bits":4}]}"#),
            ],
            &[],
        );
        assert_eq!(config.require::<String>("name").unwrap(), "123");
        assert_eq!(config.require::<u16>("nodes").unwrap(), 3);
        assert!(config.require::<bool>("on").unwrap());
        let zones = vec![Zone {
            name: "a".to_owned(),
            bits: 4,
        }];
        assert_eq!(config.require::<Network>("network").unwrap(), Network { zones });
        assert!(config.require_object::<Value>("network").unwrap().is_object());
        assert_eq!(config.get::<String>("missing").unwrap(), None);
        assert_eq!(config.keys().collect::<Vec<_>>(), ["name", "network", "nodes", "on"]);
    }

    #[test]
    fn errors_name_key_and_path_and_come_all_at_once() {
        let config = config(
            &[("network", r#"{"zones":[{"name":"a","bits":400}]}"#), ("nodes", "many")],
            &[],
        );
        let mut errors = ConfigErrors::new();
        assert_eq!(errors.check(config.require::<Network>("network")), None);
        assert_eq!(errors.check(config.require::<u16>("nodes")), None);
        assert_eq!(errors.check(config.require::<String>("region")), None);
        assert_eq!(errors.check(config.get_object::<Value>("nodes")), None);
        let text = errors.finish().unwrap_err().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("config platform:network at zones[0].bits: invalid value"),
            "{text}"
        );
        assert!(lines[1].starts_with("config platform:nodes: invalid type"), "{text}");
        assert_eq!(
            lines[2],
            "config platform:region is not set; `pulumi config set platform:region <value>` sets it"
        );
        assert_eq!(lines[3], "config platform:nodes is neither an object nor a list");
        assert_eq!(ConfigErrors::new().finish(), Ok(()));
    }

    #[test]
    fn a_secret_text_is_given_out_as_a_secret_output_alone() {
        let config = config(&[("token", "hunter2")], &["token"]);
        let refused = config.require::<String>("token").unwrap_err().to_string();
        assert_eq!(
            refused,
            "config platform:token is secret, and the program would show it"
        );
        let output = config.require_secret::<String>("token").unwrap();
        let resolved = block_on(output.resolve()).unwrap();
        assert!(resolved.secret);
        assert_eq!(resolved.value, "hunter2".into());
        assert!(!format!("{output:?} {config:?}").contains("hunter2"));
    }

    #[test]
    fn a_value_that_is_not_secret_may_be_made_so() {
        let config = config(&[("name", "a")], &[]);
        assert!(
            block_on(config.require_secret::<String>("name").unwrap().resolve())
                .unwrap()
                .secret
        );
        assert!(config.get_secret::<String>("missing").unwrap().is_none());
    }

    #[test]
    fn secret_leaves_of_a_structure_stay_secret() {
        for text in [
            r#"{"url":"https://a","token":"hunter2"}"#,
            r#"{"url":"https://a","token":{"secure":"hunter2"}}"#,
        ] {
            let flux = config(&[("flux", text)], &["flux"]).require::<Flux>("flux").unwrap();
            assert_eq!(flux.url, "https://a");
            assert!(!format!("{flux:?}").contains("hunter2"));
            let input = Input::from(&flux.token);
            assert_eq!(input.peek(), PropertyValue::secret("hunter2".into()));
        }
    }

    #[test]
    fn an_error_about_a_secret_does_not_quote_it() {
        let config = config(
            &[("flux", r#"{"url":"a","token":{"a":"hunter2"}}"#), ("pin", "hunter2")],
            &["flux", "pin"],
        );
        let error = config.require::<Flux>("flux").unwrap_err().to_string();
        assert_eq!(error, "config platform:flux at token: is no Flux");
        let error = config.require_secret::<u32>("pin").unwrap_err().to_string();
        assert_eq!(error, "config platform:pin: is no u32");
    }
}
