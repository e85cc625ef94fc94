//! The call driver for Rust: runs beside a candidate, in the candidate's own process.
//!
//! The order is JSON on stdin, {"args": [...]}; the record goes to descriptor 3: {"value": ...} or
//! {"unsupported": "..."}, or {"completed": true} for code. It knows no expected value: what it
//! writes is data for the host's judge. The types come from the glue made of the function's head.
#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::io::{Read, Write};
use std::os::fd::FromRawFd;

const MAX_DEPTH: usize = 200;

#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Dict(Vec<(String, Json)>),
}

struct Parser<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
}

impl Parser<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(|c| !",]} \t\r\n".contains(*c)) {
            word.push(c);
        }
        word
    }

    fn hex(&mut self) -> u32 {
        let digits: String = self.rest.by_ref().take(4).collect();
        u32::from_str_radix(&digits, 16).unwrap_or(0xfffd)
    }

    fn text(&mut self) -> Result<String, String> {
        let mut text = String::new();
        self.rest.next();
        loop {
            match self.rest.next().ok_or("an open string")? {
                '"' => return Ok(text),
                '\\' => match self.rest.next().ok_or("an open string")? {
                    'b' => text.push('\u{8}'),
                    'f' => text.push('\u{c}'),
                    'n' => text.push('\n'),
                    'r' => text.push('\r'),
                    't' => text.push('\t'),
                    'u' => {
                        let mut code = self.hex();
                        if (0xd800..0xdc00).contains(&code) {
                            self.rest.next();
                            self.rest.next();
                            code = 0x10000 + ((code - 0xd800) << 10) + (self.hex() & 0x3ff);
                        }
                        text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                    }
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
    }

    fn list(&mut self, end: char) -> bool {
        self.space();
        self.rest.next_if_eq(&',');
        self.space();
        self.rest.peek().is_some() && self.rest.next_if_eq(&end).is_none()
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        self.space();
        if depth > MAX_DEPTH {
            return Err("nested too deeply".into());
        }
        match self.rest.peek() {
            Some('"') => Ok(Json::Text(self.text()?)),
            Some('[') => {
                self.rest.next();
                let mut items = Vec::new();
                while self.list(']') {
                    items.push(self.value(depth + 1)?);
                }
                Ok(Json::List(items))
            }
            Some('{') => {
                self.rest.next();
                let mut members = Vec::new();
                while self.list('}') {
                    let key = self.text()?;
                    self.space();
                    self.rest.next();
                    members.push((key, self.value(depth + 1)?));
                }
                Ok(Json::Dict(members))
            }
            _ => Ok(match self.word().as_str() {
                "null" => Json::Null,
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                number => Json::Number(number.into()),
            }),
        }
    }
}

pub trait FromJson: Sized {
    fn from_json(json: &Json) -> Result<Self, String>;
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl FromJson for $kind {
            fn from_json(json: &Json) -> Result<Self, String> {
                match json {
                    Json::Number(text) => text.parse().map_err(|e| format!("{text}: {e}")),
                    other => Err(format!("an argument is no number: {other:?}")),
                }
            }
        }
    )*};
}
numbers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);

impl FromJson for bool {
    fn from_json(json: &Json) -> Result<Self, String> {
        match json {
            Json::Bool(value) => Ok(*value),
            other => Err(format!("an argument is no boolean: {other:?}")),
        }
    }
}

impl FromJson for String {
    fn from_json(json: &Json) -> Result<Self, String> {
        match json {
            Json::Text(text) => Ok(text.clone()),
            other => Err(format!("an argument is no string: {other:?}")),
        }
    }
}

impl FromJson for char {
    fn from_json(json: &Json) -> Result<Self, String> {
        let text = String::from_json(json)?;
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(format!("an argument is no single character: {text:?}")),
        }
    }
}

impl FromJson for () {
    fn from_json(_: &Json) -> Result<Self, String> {
        Ok(())
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        match json {
            Json::Null => Ok(None),
            other => T::from_json(other).map(Some),
        }
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        T::from_json(json).map(Box::new)
    }
}

fn items<C: FromIterator<T>, T: FromJson>(json: &Json) -> Result<C, String> {
    match json {
        Json::List(items) => items.iter().map(T::from_json).collect(),
        other => Err(format!("an argument is no list: {other:?}")),
    }
}

fn members<C: FromIterator<(String, T)>, T: FromJson>(json: &Json) -> Result<C, String> {
    match json {
        Json::Dict(members) => members
            .iter()
            .map(|(key, value)| Ok((key.clone(), T::from_json(value)?)))
            .collect(),
        other => Err(format!("an argument is no object: {other:?}")),
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        items(json)
    }
}
impl<T: FromJson> FromJson for VecDeque<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        items(json)
    }
}
impl<T: FromJson + Eq + std::hash::Hash> FromJson for HashSet<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        items(json)
    }
}
impl<T: FromJson + Ord> FromJson for BTreeSet<T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        items(json)
    }
}
impl<T: FromJson> FromJson for HashMap<String, T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        members(json)
    }
}
impl<T: FromJson> FromJson for BTreeMap<String, T> {
    fn from_json(json: &Json) -> Result<Self, String> {
        members(json)
    }
}
impl<T: FromJson, const N: usize> FromJson for [T; N] {
    fn from_json(json: &Json) -> Result<Self, String> {
        let all: Vec<T> = items(json)?;
        let length = all.len();
        all.try_into().map_err(|_| format!("a list of {length}, not {N}"))
    }
}

macro_rules! tuples {
    ($(($count:expr; $($name:ident $at:tt),+)),*) => {$(
        impl<$($name: FromJson),+> FromJson for ($($name,)+) {
            fn from_json(json: &Json) -> Result<Self, String> {
                match json {
                    Json::List(items) if items.len() == $count => {
                        Ok(($($name::from_json(&items[$at])?,)+))
                    }
                    other => Err(format!("an argument is no list of {}: {other:?}", $count)),
                }
            }
        }
        impl<$($name: ToJson),+> ToJson for ($($name,)+) {
            fn put(&self, out: &mut String) -> Result<(), String> {
                out.push('[');
                $(
                    if $at > 0 {
                        out.push_str(", ");
                    }
                    self.$at.put(out)?;
                )+
                out.push(']');
                Ok(())
            }
        }
    )*};
}
tuples!((1; A 0), (2; A 0, B 1), (3; A 0, B 1, C 2), (4; A 0, B 1, C 2, D 3), (5; A 0, B 1, C 2, D 3, E 4));

/// Writes a value as JSON; the error says what has no JSON form.
pub trait ToJson {
    fn put(&self, out: &mut String) -> Result<(), String>;
}

macro_rules! shown {
    ($($kind:ty),*) => {$(
        impl ToJson for $kind {
            fn put(&self, out: &mut String) -> Result<(), String> {
                out.push_str(&self.to_string());
                Ok(())
            }
        }
    )*};
}
shown!(bool, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);

macro_rules! reals {
    ($($kind:ty),*) => {$(
        impl ToJson for $kind {
            fn put(&self, out: &mut String) -> Result<(), String> {
                if !self.is_finite() {
                    return Err(format!("number {self}"));
                }
                out.push_str(&format!("{:?}", *self as f64)); // keeps the point of 1.0
                Ok(())
            }
        }
    )*};
}
reals!(f32, f64);

impl ToJson for str {
    fn put(&self, out: &mut String) -> Result<(), String> {
        out.push('"');
        for c in self.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                c if (c as u32) < 32 => out.push_str(&format!("\\u{:04x}", c as u32)),
                c => out.push(c),
            }
        }
        out.push('"');
        Ok(())
    }
}

impl ToJson for String {
    fn put(&self, out: &mut String) -> Result<(), String> {
        self.as_str().put(out)
    }
}
impl ToJson for char {
    fn put(&self, out: &mut String) -> Result<(), String> {
        self.to_string().put(out)
    }
}
impl ToJson for () {
    fn put(&self, out: &mut String) -> Result<(), String> {
        out.push_str("null");
        Ok(())
    }
}
impl<T: ToJson + ?Sized> ToJson for &T {
    fn put(&self, out: &mut String) -> Result<(), String> {
        (**self).put(out)
    }
}
impl<T: ToJson + ?Sized> ToJson for Box<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        (**self).put(out)
    }
}
impl<T: ToJson> ToJson for Option<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        match self {
            Some(value) => value.put(out),
            None => ().put(out),
        }
    }
}
impl<T: ToJson, E> ToJson for Result<T, E> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        match self {
            Ok(value) => value.put(out),
            Err(_) => Err("Err".into()),
        }
    }
}

fn put_list<'a, T: ToJson + 'a>(
    list: impl IntoIterator<Item = &'a T>,
    out: &mut String,
) -> Result<(), String> {
    out.push('[');
    for (at, item) in list.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        item.put(out)?;
    }
    out.push(']');
    Ok(())
}

fn put_members<'a, T: ToJson + 'a>(
    all: impl IntoIterator<Item = (&'a String, &'a T)>,
    out: &mut String,
) -> Result<(), String> {
    out.push('{');
    for (at, (key, item)) in all.into_iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        key.put(out)?;
        out.push_str(": ");
        item.put(out)?;
    }
    out.push('}');
    Ok(())
}

impl<T: ToJson> ToJson for [T] {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson> ToJson for Vec<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson> ToJson for VecDeque<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson> ToJson for HashSet<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson> ToJson for BTreeSet<T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_list(self, out)
    }
}
impl<T: ToJson> ToJson for HashMap<String, T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_members(self, out)
    }
}
impl<T: ToJson> ToJson for BTreeMap<String, T> {
    fn put(&self, out: &mut String) -> Result<(), String> {
        put_members(self, out)
    }
}

pub fn arity(args: &[Json], wanted: usize) -> Result<(), String> {
    if args.len() == wanted {
        return Ok(());
    }
    stop(&format!("{} arguments given, {wanted} taken", args.len()))
}

pub fn take<T: FromJson>(args: &[Json], at: usize) -> Result<T, String> {
    T::from_json(&args[at]).or_else(|why| stop(&why))
}

pub fn to_json<T: ToJson>(value: &T) -> Result<String, String> {
    let mut out = String::new();
    value.put(&mut out)?;
    Ok(out)
}

pub fn no_call(_: &[Json]) -> Result<String, String> {
    stop("there is no entry point")
}

fn stop(why: &str) -> ! {
    eprintln!("the call cannot be made: {why}");
    std::process::exit(1)
}

fn send(record: &str) -> ! {
    let _ = std::io::stdout().flush();
    // SAFETY: the runner opens descriptor 3 for the record, and nothing else here owns it.
    let mut out = unsafe { std::fs::File::from_raw_fd(3) };
    std::process::exit(if out.write_all(record.as_bytes()).is_ok() { 0 } else { 4 })
}

fn arguments() -> Result<Vec<Json>, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| e.to_string())?;
    let order = Parser { rest: text.chars().peekable() }.value(0)?;
    let Json::Dict(members) = order else {
        return Err("the order is no object".into());
    };
    match members.into_iter().find(|(key, _)| key == "args") {
        Some((_, Json::List(args))) => Ok(args),
        _ => Err("the order has no arguments".into()),
    }
}

/// Carries out the order that the arguments of the process name.
pub fn drive(call: fn(&[Json]) -> Result<String, String>, code: fn(usize)) {
    let argv: Vec<String> = std::env::args().collect();
    match argv.get(1).map(String::as_str) {
        Some("call") => {
            let args = arguments().unwrap_or_else(|why| stop(&why));
            match call(&args) {
                Ok(value) => send(&format!("{{\"value\": {value}}}")),
                Err(why) => {
                    let mut text = String::new();
                    let _ = why.put(&mut text);
                    send(&format!("{{\"unsupported\": {text}}}"))
                }
            }
        }
        Some("code") => code(argv[2].parse().unwrap_or(usize::MAX)),
        _ => (),
    }
    send("{\"completed\": true}")
}
