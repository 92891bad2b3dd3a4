//! Everyday Rust, for one figure: how much of it the shape library covers, for whose choice no Rust was read.
//! `run(n)` gives a checksum. Built by rustc 1.63:
//!
//! rustc --target wasm32-unknown-unknown --crate-type cdylib --edition 2021 -O -C lto=fat -C panic=abort \
//!     -C codegen-units=1 -C link-arg=--strip-all -o sample.wasm sample.rs

use std::collections::{BTreeMap, HashMap};

struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as u32
    }
}

#[derive(Clone)]
enum Json {
    Null,
    Bool(bool),
    Number(i32),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn space(&mut self) {
        while self.text.get(self.at).map_or(false, |c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        self.text[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    fn value(&mut self) -> Option<Json> {
        self.space();
        match *self.text.get(self.at)? {
            b'n' => self.expect("null").map(|_| Json::Null),
            b't' => self.expect("true").map(|_| Json::Bool(true)),
            b'f' => self.expect("false").map(|_| Json::Bool(false)),
            b'"' => self.string().map(Json::Text),
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.space();
                    if self.expect("]").is_some() {
                        return Some(Json::List(items));
                    }
                    items.push(self.value()?);
                    self.space();
                    let _ = self.expect(",");
                }
            }
            b'{' => {
                self.at += 1;
                let mut items = BTreeMap::new();
                loop {
                    self.space();
                    if self.expect("}").is_some() {
                        return Some(Json::Object(items));
                    }
                    let key = self.string()?;
                    self.space();
                    self.expect(":")?;
                    items.insert(key, self.value()?);
                    self.space();
                    let _ = self.expect(",");
                }
            }
            _ => {
                let start = self.at;
                while self.text.get(self.at).map_or(false, |c| b"+-.0123456789eE".contains(c)) {
                    self.at += 1;
                }
                std::str::from_utf8(&self.text[start..self.at]).ok()?.parse().ok().map(Json::Number)
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        self.expect("\"")?;
        let start = self.at;
        while *self.text.get(self.at)? != b'"' {
            self.at += 1;
        }
        self.at += 1;
        Some(String::from_utf8_lossy(&self.text[start..self.at - 1]).into_owned())
    }
}

fn weight(value: &Json) -> u64 {
    match value {
        Json::Null => 1,
        Json::Bool(b) => 2 + *b as u64,
        Json::Number(x) => *x as u64,
        Json::Text(s) => s.chars().map(|c| c as u64).sum(),
        Json::List(items) => items.iter().map(weight).fold(3, |a, b| a.rotate_left(5) ^ b),
        Json::Object(items) => items.iter().map(|(k, v)| k.len() as u64 * weight(v)).sum(),
    }
}

fn sha256(block: &[u8; 64], state: &mut [u32; 8], k: &[u32; 64]) {
    let mut w = [0u32; 64];
    for i in 0..16 {
        w[i] = u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]]);
    }
    for i in 16..64 {
        let (a, b) = (w[i - 15], w[i - 2]);
        let s0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let s1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for i in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = h.wrapping_add(s1).wrapping_add((e & f) ^ (!e & g)).wrapping_add(k[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (s, x) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *s = s.wrapping_add(x);
    }
}

fn life(width: usize, height: usize, cells: &[bool]) -> Vec<bool> {
    (0..width * height)
        .map(|i| {
            let (x, y) = (i % width, i / width);
            let mut alive = 0;
            for dy in [height - 1, 0, 1] {
                for dx in [width - 1, 0, 1] {
                    if (dx, dy) != (0, 0) && cells[(y + dy) % height * width + (x + dx) % width] {
                        alive += 1;
                    }
                }
            }
            alive == 3 || alive == 2 && cells[i]
        })
        .collect()
}

#[no_mangle]
pub extern "C" fn run(n: u32) -> u32 {
    let mut random = Lcg(n as u64);
    let mut sum = 0u64;
    let text = r#"{"name": "sample", "list": [1, 25, -300, true, null], "inner": {"a": [], "b": "text"}}"#;
    let mut words: HashMap<String, u32, std::hash::BuildHasherDefault<std::collections::hash_map::DefaultHasher>> =
        HashMap::default();
    for _ in 0..n {
        let value = Parser { text: text.as_bytes(), at: 0 }.value().unwrap_or(Json::Null);
        sum = sum.wrapping_add(weight(&value));
        let mut numbers: Vec<u32> = (0..64).map(|_| random.next()).collect();
        numbers.sort_unstable();
        numbers.dedup_by_key(|x| *x >> 28);
        let mut floats: Vec<f64> = numbers.iter().map(|&x| (x as f64).sqrt()).collect();
        floats.sort_by(|a, b| b.partial_cmp(a).unwrap());
        sum ^= floats.iter().sum::<f64>() as u64;
        let line = format!("{} {} {:08x} {}", numbers.len(), text, numbers[0], sum);
        for word in line.split(' ') {
            *words.entry(word.to_ascii_lowercase()).or_insert(0) += 1;
        }
        let mut block = [0u8; 64];
        block.iter_mut().for_each(|b| *b = random.next() as u8);
        let mut k = [0u32; 64];
        k.iter_mut().for_each(|x| *x = random.next());
        let mut state = [1, 2, 3, 4, 5, 6, 7, 8];
        sha256(&block, &mut state, &k);
        sum = sum.rotate_left(9) ^ state[7] as u64;
        let cells: Vec<bool> = (0..16 * 12).map(|_| random.next() & 1 == 1).collect();
        sum += life(16, 12, &life(16, 12, &cells)).iter().filter(|&&c| c).count() as u64;
    }
    sum += words.values().map(|&x| x as u64).sum::<u64>() + words.len() as u64;
    (sum ^ sum >> 32) as u32
}
