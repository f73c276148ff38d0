//! AWS's JSON: fields, blobs, moments, errors.

use base64ct::{Base64, Encoding};
use private_ca::Timestamp;
use serde_json::{Value, json};

/// What an operation gives.
pub type Answer = Result<Value, AwsError>;

/// A refusal, as AWS words it.
#[derive(Debug, Clone, PartialEq)]
pub struct AwsError {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl AwsError {
    pub fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }
}

/// A refusal with status 400, which is what AWS's JSON services give for all that clients do wrong.
pub fn refuse<T>(code: &str, message: impl Into<String>) -> Result<T, AwsError> {
    Err(AwsError::new(400, code, message))
}

/// What every AWS service says to a value outside the API's own model. It is no modelled error in
/// most operations.
pub fn outside_model<T>(
    value: impl std::fmt::Display,
    field: &str,
    rule: &str,
) -> Result<T, AwsError> {
    refuse(
        "ValidationException",
        format!(
            "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {rule}"
        ),
    )
}

/// A text that must be there.
pub fn text<'a>(body: &'a Value, field: &str) -> Result<&'a str, AwsError> {
    match body.get(field).and_then(Value::as_str) {
        Some(text) => Ok(text),
        None => outside_model("null", field, "Member must not be null"),
    }
}

pub fn optional_text<'a>(body: &'a Value, field: &str) -> Option<&'a str> {
    body.get(field).and_then(Value::as_str)
}

/// A blob: base64 of bytes.
pub fn blob(body: &Value, field: &str) -> Result<Vec<u8>, AwsError> {
    match Base64::decode_vec(text(body, field)?) {
        Ok(bytes) => Ok(bytes),
        Err(_) => {
            Err(AwsError::new(400, "SerializationException", format!("{field} is no base64")))
        }
    }
}

/// A number within limits, or its default.
pub fn number_within(
    body: &Value,
    field: &str,
    limits: std::ops::RangeInclusive<i64>,
    default: i64,
) -> Result<i64, AwsError> {
    let number = body.get(field).and_then(Value::as_i64).unwrap_or(default);
    if number < *limits.start() {
        let rule = format!("Member must have value greater than or equal to {}", limits.start());
        return outside_model(number, field, &rule);
    }
    if number > *limits.end() {
        let rule = format!("Member must have value less than or equal to {}", limits.end());
        return outside_model(number, field, &rule);
    }
    Ok(number)
}

/// A text of limited length.
pub fn text_within<'a>(
    body: &'a Value,
    field: &str,
    limits: std::ops::RangeInclusive<usize>,
) -> Result<Option<&'a str>, AwsError> {
    let Some(text) = optional_text(body, field) else { return Ok(None) };
    let length = text.chars().count();
    if !limits.contains(&length) {
        let rule =
            format!("Member must have length between {} and {}", limits.start(), limits.end());
        return outside_model(text, field, &rule);
    }
    Ok(Some(text))
}

/// AWS's JSON has moments as seconds since 1970.
pub fn moment(moment: Timestamp) -> Value {
    json!(moment.unix_seconds() as f64)
}

/// A page of a list: the items, and the token of the next page.
pub fn page(
    body: &Value,
    token_field: &str,
    items: Vec<Value>,
    page_size: usize,
) -> Result<(Vec<Value>, Option<String>), AwsError> {
    let size = body.get("MaxResults").or(body.get("MaxItems")).and_then(Value::as_u64);
    let size = size.map_or(page_size, |size| usize::try_from(size).unwrap().min(page_size));
    let start = match optional_text(body, token_field) {
        None => 0,
        Some(token) => match token.strip_prefix("page-").and_then(|start| start.parse().ok()) {
            Some(start) if start <= items.len() => start,
            _ => return refuse("InvalidNextTokenException", "The token specified is not valid"),
        },
    };
    let end = (start + size).min(items.len());
    let next = (end < items.len()).then(|| format!("page-{end}"));
    Ok((items[start..end].to_vec(), next))
}

/// Tags as AWS keeps them: a key has one value, and those that begin with `aws:` are AWS's own.
pub fn add_tags(tags: &mut Vec<Value>, new: Option<&Value>) -> Result<(), AwsError> {
    for tag in new.and_then(Value::as_array).into_iter().flatten() {
        let key = text(tag, "Key")?;
        if key.is_empty() || key.len() > 128 || key.starts_with("aws:") {
            return refuse("InvalidTagException", format!("The tag key {key:?} is not valid"));
        }
        tags.retain(|known| known["Key"] != tag["Key"]);
        tags.push(tag.clone());
    }
    if tags.len() > 50 {
        return refuse("TooManyTagsException", "A resource can have at most 50 tags");
    }
    Ok(())
}

pub fn remove_tags(tags: &mut Vec<Value>, gone: Option<&Value>) {
    for tag in gone.and_then(Value::as_array).into_iter().flatten() {
        tags.retain(|known| {
            known["Key"] != tag["Key"]
                || tag.get("Value").is_some_and(|value| *value != known["Value"])
        });
    }
}

/// Random hexadecimal digits.
pub fn random_hex(octets: usize) -> String {
    let mut random = vec![0; octets];
    getrandom::fill(&mut random).unwrap();
    random.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A resource's id in an ARN.
pub fn random_uuid() -> String {
    let hex = random_hex(16);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
