//! The runtime's options: `runtime: {name: rust, options: {…}}` in Pulumi.yaml, PulumiPlugin.yaml or PulumiPolicy.yaml.

use std::path::PathBuf;

use groundwork_wire::{PropertyMap, PropertyValue, Struct, codec};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// A prebuilt executable, relative to the project: no cargo at all.
    Prebuilt(PathBuf),
    /// What cargo builds.
    Cargo(Options),
}

/// What cargo builds, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    /// The path of a Cargo.toml, relative to the project; otherwise the nearest one upwards from the program.
    pub(crate) manifest: Option<PathBuf>,
    /// The package in the manifest's workspace; otherwise the manifest's own.
    pub(crate) package: Option<String>,
    /// The executable; otherwise the package's `default-run` or only one.
    pub(crate) selection: Option<Selection>,
    /// The profile; `release` unless said otherwise.
    pub(crate) profile: String,
    /// Features beyond the default ones.
    pub(crate) features: Vec<String>,
}

/// Which of a package's executables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    Bin(String),
    Example(String),
}

/// Options that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("the rust runtime has no option `{name}`{}; its options are {}", did_you_mean(.suggestion.as_ref()), listed(&NAMES))]
    Unknown { name: String, suggestion: Option<String> },
    #[error("the option `{name}` must be {expected}")]
    Kind { name: &'static str, expected: &'static str },
    #[error("the options `{0}` and `{1}` exclude each other")]
    Exclusive(&'static str, &'static str),
}

const NAMES: [&str; 7] = ["bin", "binary", "example", "features", "manifest", "package", "profile"];

/// Reads the options of a request.
pub(crate) fn parse(options: Option<&Struct>) -> Result<Program, OptionsError> {
    let options = codec::from_optional(options);
    if let Some(unknown) = options.keys().find(|key| !NAMES.contains(&key.as_str())) {
        let suggestion = nearest(unknown, NAMES).map(str::to_owned);
        return Err(OptionsError::Unknown {
            name: unknown.clone(),
            suggestion,
        });
    }
    if let Some(binary) = text(&options, "binary")? {
        return match NAMES
            .into_iter()
            .find(|name| *name != "binary" && options.contains_key(*name))
        {
            Some(other) => Err(OptionsError::Exclusive("binary", other)),
            None => Ok(Program::Prebuilt(binary.into())),
        };
    }
    let selection = match (text(&options, "bin")?, text(&options, "example")?) {
        (Some(_), Some(_)) => return Err(OptionsError::Exclusive("bin", "example")),
        (Some(bin), None) => Some(Selection::Bin(bin)),
        (None, Some(example)) => Some(Selection::Example(example)),
        (None, None) => None,
    };
    Ok(Program::Cargo(Options {
        manifest: text(&options, "manifest")?.map(PathBuf::from),
        package: text(&options, "package")?,
        selection,
        profile: text(&options, "profile")?.unwrap_or_else(|| "release".to_owned()),
        features: features(&options)?,
    }))
}

fn text(options: &PropertyMap, name: &'static str) -> Result<Option<String>, OptionsError> {
    match options.get(name) {
        None | Some(PropertyValue::Null) => Ok(None),
        Some(PropertyValue::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(OptionsError::Kind {
            name,
            expected: "a text that is not empty",
        }),
    }
}

fn features(options: &PropertyMap) -> Result<Vec<String>, OptionsError> {
    let wrong = OptionsError::Kind {
        name: "features",
        expected: "a list of features, or one text with commas",
    };
    let split = |text: &str| -> Vec<String> {
        text.split([',', ' '])
            .filter(|feature| !feature.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match options.get("features") {
        None | Some(PropertyValue::Null) => Ok(Vec::new()),
        Some(PropertyValue::String(text)) => Ok(split(text)),
        Some(PropertyValue::Array(items)) => {
            let texts = items
                .iter()
                .map(PropertyValue::as_str)
                .collect::<Option<Vec<_>>>()
                .ok_or(wrong)?;
            Ok(texts.into_iter().flat_map(split).collect())
        }
        Some(_) => Err(wrong),
    }
}

/// The name that was probably meant, if any is near.
pub(crate) fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    names
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase()),
                name,
            )
        })
        .filter(|(slips, name)| slips * 3 <= wrong.len().max(name.len()))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

pub(crate) fn did_you_mean(suggestion: Option<&String>) -> String {
    suggestion
        .map(|suggestion| format!(", did you mean `{suggestion}`?"))
        .unwrap_or_default()
}

pub(crate) fn listed(names: &[impl AsRef<str>]) -> String {
    names
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(options: &[(&str, PropertyValue)]) -> Result<Program, OptionsError> {
        let map = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        parse(Some(&codec::to_struct(&map)))
    }

    fn cargo(options: &[(&str, PropertyValue)]) -> Options {
        match parsed(options).unwrap() {
            Program::Cargo(options) => options,
            other @ Program::Prebuilt(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn without_options_the_nearest_package_is_built_for_release() {
        let expected = Options {
            manifest: None,
            package: None,
            selection: None,
            profile: "release".to_owned(),
            features: Vec::new(),
        };
        assert_eq!(parse(None), Ok(Program::Cargo(expected.clone())));
        assert_eq!(cargo(&[("bin", PropertyValue::Null)]), expected);
    }

    #[test]
    fn every_option_is_read() {
        let options = cargo(&[
            ("manifest", "../Cargo.toml".into()),
            ("package", "story".into()),
            ("bin", "platform".into()),
            ("profile", "dev".into()),
            ("features", "a, b".into()),
        ]);
        assert_eq!(
            options,
            Options {
                manifest: Some("../Cargo.toml".into()),
                package: Some("story".to_owned()),
                selection: Some(Selection::Bin("platform".to_owned())),
                profile: "dev".to_owned(),
                features: vec!["a".to_owned(), "b".to_owned()],
            }
        );
        assert_eq!(
            cargo(&[("example", "small".into())]).selection,
            Some(Selection::Example("small".to_owned()))
        );
        assert_eq!(
            parsed(&[("binary", "bin/x".into())]),
            Ok(Program::Prebuilt("bin/x".into()))
        );
    }

    #[test]
    fn features_may_be_a_list() {
        let list = PropertyValue::Array(vec!["a".into(), "b,c".into()]);
        assert_eq!(cargo(&[("features", list)]).features, ["a", "b", "c"]);
        let wrong = PropertyValue::Array(vec![true.into()]);
        assert!(matches!(
            parsed(&[("features", wrong)]),
            Err(OptionsError::Kind { name: "features", .. })
        ));
    }

    #[test]
    fn an_unknown_option_names_the_one_that_was_meant() {
        for (wrong, meant) in [
            ("profil", "profile"),
            ("Bin", "bin"),
            ("feature", "features"),
            ("examples", "example"),
        ] {
            let message = parsed(&[(wrong, "x".into())]).unwrap_err().to_string();
            assert!(
                message.contains(&format!("no option `{wrong}`, did you mean `{meant}`?")),
                "{message}"
            );
        }
        let message = parsed(&[("virtualenv", "x".into())]).unwrap_err().to_string();
        assert!(
            !message.contains("did you mean") && message.contains("`manifest`, `package`"),
            "{message}"
        );
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let both = parsed(&[("bin", "a".into()), ("example", "b".into())]);
        assert_eq!(both, Err(OptionsError::Exclusive("bin", "example")));
        let prebuilt = parsed(&[("binary", "a".into()), ("profile", "dev".into())]);
        assert_eq!(prebuilt, Err(OptionsError::Exclusive("binary", "profile")));
    }

    #[test]
    fn an_option_of_the_wrong_kind_is_refused() {
        for value in [PropertyValue::Bool(true), PropertyValue::Number(1.0), "".into()] {
            assert!(matches!(
                parsed(&[("bin", value)]),
                Err(OptionsError::Kind { name: "bin", .. })
            ));
        }
    }
}
