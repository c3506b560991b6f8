//! Check: every mistake in a resource's inputs at once, each with its path and its fix.
//!
//! Works on partly unknown inputs: what is unknown is skipped, and only that.

use groundwork_wire::{PropertyMap, PropertyPath, PropertyValue};

use crate::shape::{ChoiceSpec, ObjectSpec, Spec, TextSpec};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// Where.
    pub path: PropertyPath,
    /// What is wrong, and how to mend it.
    pub reason: String,
}

impl Failure {
    /// A mistake at a path.
    pub fn new(path: PropertyPath, reason: impl Into<String>) -> Self {
        Self {
            path,
            reason: reason.into(),
        }
    }

    /// A mistake at a property of the resource itself.
    pub fn at(property: &str, reason: impl Into<String>) -> Self {
        Self::new(PropertyPath::root().key(property), reason)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Reads a stack's configuration by its form: it knows text alone, and what is not text by its form is JSON in it.
///
/// Text that is no JSON stays as it is, for [`check`] to name.
#[must_use]
pub fn from_text(spec: &ObjectSpec, config: &PropertyMap) -> PropertyMap {
    let is_text = |spec: &Spec| matches!(spec, Spec::Text(_) | Spec::Choice(_));
    config
        .iter()
        .map(|(key, value)| {
            let json = match (spec.field(key).filter(|field| !is_text(&field.spec)), value.as_str()) {
                (Some(_), Some(text)) => serde_json::from_str::<serde_json::Value>(text).ok(),
                _ => None,
            };
            (key.clone(), json.map_or_else(|| value.clone(), PropertyValue::from))
        })
        .collect()
}

/// Holds inputs against their form.
#[must_use]
pub fn check(spec: &ObjectSpec, inputs: &PropertyMap) -> Vec<Failure> {
    let mut failures = Vec::new();
    check_object(spec, inputs, &PropertyPath::root(), &mut failures);
    failures
}

fn check_object(spec: &ObjectSpec, map: &PropertyMap, path: &PropertyPath, failures: &mut Vec<Failure>) {
    for (key, value) in map {
        // Keys that begin with `__` are the engine's and ours.
        if spec.field(key).is_none() && !key.starts_with("__") && !value.is_null() {
            failures.push(Failure::new(path.key(key), unknown_key(key, spec)));
        }
    }
    for field in &spec.fields {
        match map.get(field.name).filter(|value| !value.is_null()) {
            None if field.required => failures.push(Failure::new(
                path.key(field.name),
                format!("is required: {}", first_sentence(field.docs)),
            )),
            None => {}
            Some(value) => check_value(&field.spec, value, &path.key(field.name), failures),
        }
    }
}

fn check_value(spec: &Spec, value: &PropertyValue, path: &PropertyPath, failures: &mut Vec<Failure>) {
    let value = value.plain();
    if value.is_unknown() {
        return;
    }
    let wrong = |expected: &str| Failure::new(path.clone(), format!("must be {expected}, but is {}", kind_of(value)));
    match spec {
        Spec::Any => {}
        Spec::Bool => {
            if !matches!(value, PropertyValue::Bool(_)) {
                failures.push(wrong("true or false"));
            }
        }
        Spec::Number => {
            if !matches!(value, PropertyValue::Number(_)) {
                failures.push(wrong("a number"));
            }
        }
        Spec::Integer { min, max } => failures.extend(check_integer(value, *min, *max, path)),
        Spec::Text(text) => failures.extend(check_text(text, value, path)),
        Spec::Choice(choice) => failures.extend(check_choice(choice, value, path)),
        Spec::List(item) | Spec::Set(item) => match value {
            PropertyValue::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    check_value(item, value, &path.index(index), failures);
                }
            }
            _ => failures.push(wrong("a list")),
        },
        Spec::Map(item) => match value {
            PropertyValue::Object(map) => {
                for (key, value) in map {
                    check_value(item, value, &path.key(key), failures);
                }
            }
            _ => failures.push(wrong("a map")),
        },
        Spec::Object(object) => match value {
            PropertyValue::Object(map) => check_object(object, map, path, failures),
            _ => failures.push(wrong("an object")),
        },
        Spec::Document => match value {
            PropertyValue::Object(_) => {}
            PropertyValue::String(text) => {
                if let Err(why) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
                    failures.push(Failure::new(path.clone(), format!("must be a JSON document: {why}")));
                }
            }
            _ => failures.push(wrong("a JSON document (an object, or its text)")),
        },
    }
}

fn check_integer(value: &PropertyValue, min: i64, max: i64, path: &PropertyPath) -> Option<Failure> {
    let PropertyValue::Number(number) = value else {
        return Some(Failure::new(
            path.clone(),
            format!("must be a whole number, but is {}", kind_of(value)),
        ));
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "bounds are far below 2^53 wherever they matter"
    )]
    let within = *number >= min as f64 && *number <= max as f64;
    (number.fract() != 0.0 || !within).then(|| {
        Failure::new(
            path.clone(),
            format!("must be a whole number from {min} to {max}, but is {number}"),
        )
    })
}

fn check_text(text: &TextSpec, value: &PropertyValue, path: &PropertyPath) -> Option<Failure> {
    let PropertyValue::String(given) = value else {
        return Some(Failure::new(
            path.clone(),
            format!("must be {}, but is {}", text.what, kind_of(value)),
        ));
    };
    // Text that carries an unknown inside stays unchecked until it is known.
    (text.parse)(given).err().map(|why| {
        Failure::new(
            path.clone(),
            format!("{given:?} is not {}: {why} (such as {:?})", text.what, text.example),
        )
    })
}

fn check_choice(choice: &ChoiceSpec, value: &PropertyValue, path: &PropertyPath) -> Option<Failure> {
    let words = || choice.words.iter().map(|(word, _)| word.as_str());
    let given = value.as_str();
    if given.is_some_and(|given| words().any(|word| word == given)) {
        return None;
    }
    let hint = given
        .and_then(|given| nearest(given, words()))
        .map(|near| format!("; did you mean {near:?}?"));
    Some(Failure::new(
        path.clone(),
        format!(
            "must be one of {}{}",
            words().collect::<Vec<_>>().join(", "),
            hint.unwrap_or_default()
        ),
    ))
}

fn unknown_key(key: &str, spec: &ObjectSpec) -> String {
    let names = || spec.fields.iter().map(|field| field.name);
    match nearest(key, names()) {
        Some(near) => format!("is no property of {}; did you mean {near:?}?", spec.name),
        None => format!(
            "is no property of {}; it has {}",
            spec.name,
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The rule of properties of which exactly one is given; what is given but not known yet counts as given.
#[must_use]
pub fn exactly_one(what: &str, properties: &[(&str, bool)]) -> Vec<Failure> {
    let names = || properties.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let given: Vec<&str> = properties
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| *name)
        .collect();
    match given.as_slice() {
        [_] => Vec::new(),
        [] => properties
            .first()
            .map(|(name, _)| Failure::at(name, format!("{what} is missing: give one of {}", names())))
            .into_iter()
            .collect(),
        several => several
            .iter()
            .map(|name| {
                Failure::at(
                    name,
                    format!(
                        "{what} is given {} times: keep one of {}",
                        several.len(),
                        several.join(", ")
                    ),
                )
            })
            .collect(),
    }
}

/// The word that is closest to the given one, if any is close enough to be meant.
#[must_use]
pub fn nearest<'a>(given: &str, words: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    words
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= (word.len().max(given.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

fn kind_of(value: &PropertyValue) -> &'static str {
    match value {
        PropertyValue::Null => "null",
        PropertyValue::Bool(_) => "true or false",
        PropertyValue::Number(_) => "a number",
        PropertyValue::String(_) => "text",
        PropertyValue::Array(_) => "a list",
        PropertyValue::Object(_) => "an object",
        PropertyValue::Resource(_) => "a resource",
        PropertyValue::Asset(_) => "an asset",
        PropertyValue::Archive(_) => "an archive",
        PropertyValue::Bytes(_) => "bytes",
        PropertyValue::Secret(_) | PropertyValue::Unknown(_) | PropertyValue::Output(_) => "not known yet",
    }
}

fn first_sentence(docs: &str) -> &str {
    docs.split_once(". ")
        .map_or(docs, |(first, _)| first)
        .trim_end_matches('.')
}
