//! Functions of an SMT-LIB file on words of 64 bits, carried out.
//!
//! Of the language this is what the files in `proofs/` define their functions with: numbers `#x…`, `let`, `ite`,
//! connectives, comparisons, and the arithmetic of bit vectors.

extern crate std;

use std::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};

/// An expression as it is written.
#[derive(Debug)]
enum Term {
    Name(String),
    List(Vec<Term>),
}

/// What an expression comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value {
    /// A bit vector.
    Word(u64),
    /// A truth value.
    Truth(bool),
}

use Value::{Truth, Word};

impl Value {
    fn truth(self) -> bool {
        match self {
            Truth(truth) => truth,
            Word(_) => panic!("a truth value is expected"),
        }
    }
}

impl Term {
    fn list(&self) -> &[Self] {
        match self {
            Self::List(terms) => terms,
            Self::Name(name) => panic!("`{name}` is no list"),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::List(_) => panic!("a name is expected"),
        }
    }

    /// Adds every name in the term.
    fn names<'a>(&'a self, found: &mut BTreeSet<&'a str>) {
        match self {
            Self::Name(name) => drop(found.insert(name)),
            Self::List(terms) => terms.iter().for_each(|term| term.names(found)),
        }
    }
}

/// A function: the names of its parameters, and its body.
#[derive(Debug)]
struct Function {
    parameters: Vec<String>,
    body: Term,
}

/// The functions that a file defines.
#[derive(Debug)]
pub(super) struct Functions(BTreeMap<String, Function>);

/// The terms of a text, without comments.
fn read(text: &str) -> Vec<Term> {
    let code: String =
        text.lines().map(|line| line.split(';').next().unwrap_or_default().to_string() + " ").collect();
    let spaced = code.replace('(', " ( ").replace(')', " ) ");
    let mut open = Vec::from([Vec::new()]);
    for word in spaced.split_whitespace() {
        match word {
            "(" => open.push(Vec::new()),
            ")" => {
                let list = open.pop().expect("every list is open");
                open.last_mut().expect("a list stands in a list or in the text").push(Term::List(list));
            }
            name => open.last_mut().expect("a name stands in a list").push(Term::Name(name.to_string())),
        }
    }
    assert_eq!(open.len(), 1, "every list is closed");
    open.remove(0)
}

impl Functions {
    /// The functions that `text` defines.
    pub(super) fn of(text: &str) -> Self {
        let function = |term: Term| {
            let Term::List(mut parts) = term else { return None };
            if parts.first().is_none_or(|part| !matches!(part, Term::Name(name) if name == "define-fun")) {
                return None;
            }
            let body = parts.pop()?;
            let parameters = parts[2].list().iter().map(|pair| pair.list()[0].name().to_string()).collect();
            Some((parts[1].name().to_string(), Function { parameters, body }))
        };
        Self(read(text).into_iter().filter_map(function).collect())
    }

    /// The names of all functions.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    /// The names of the functions that `name` is made of, itself among them.
    pub(super) fn made_of(&self, name: &str) -> BTreeSet<&str> {
        let Some((name, function)) = self.0.get_key_value(name) else { return BTreeSet::new() };
        let mut inside = BTreeSet::new();
        function.body.names(&mut inside);
        let parts = inside.into_iter().flat_map(|part| self.made_of(part));
        parts.chain([name.as_str()]).collect()
    }

    /// What the function `name` returns.
    pub(super) fn call(&self, name: &str, arguments: &[u64]) -> Value {
        let arguments: Vec<Value> = arguments.iter().copied().map(Word).collect();
        self.apply(name, &arguments)
    }

    /// How many parameters the function `name` has.
    pub(super) fn arity(&self, name: &str) -> usize {
        self.0[name].parameters.len()
    }

    fn apply(&self, name: &str, arguments: &[Value]) -> Value {
        if let Some(Function { parameters, body }) = self.0.get(name) {
            assert_eq!(parameters.len(), arguments.len(), "{name}");
            let known = parameters.iter().map(String::as_str).zip(arguments.iter().copied()).collect();
            return self.value(body, &known);
        }
        match arguments {
            [Word(a), Word(b)] => on_words(name, *a, *b),
            [Word(a)] if name == "bvnot" => Word(!a),
            [a, b] if name == "=" => Truth(a == b),
            [Truth(a), Truth(b)] if name == "=>" => Truth(!a || *b),
            [a] if name == "not" => Truth(!a.truth()),
            [condition, yes, no] if name == "ite" => {
                if condition.truth() {
                    *yes
                } else {
                    *no
                }
            }
            all if name == "and" => Truth(all.iter().all(|part| part.truth())),
            all if name == "or" => Truth(all.iter().any(|part| part.truth())),
            _ => panic!("`{name}` is not known for {arguments:?}"),
        }
    }

    fn value(&self, term: &Term, known: &BTreeMap<&str, Value>) -> Value {
        let parts = match term {
            Term::Name(name) => return constant(name).unwrap_or_else(|| known[name.as_str()]),
            Term::List(parts) => parts,
        };
        if parts[0].name() != "let" {
            let arguments: Vec<Value> = parts[1..].iter().map(|part| self.value(part, known)).collect();
            return self.apply(parts[0].name(), &arguments);
        }
        let mut more = known.clone();
        for pair in parts[1].list() {
            more.insert(pair.list()[0].name(), self.value(&pair.list()[1], known));
        }
        self.value(&parts[2], &more)
    }
}

/// The word that a number stands for.
fn constant(name: &str) -> Option<Value> {
    let digits = name.strip_prefix("#x")?;
    assert_eq!(digits.len(), 16, "{name} is a word");
    u64::from_str_radix(digits, 16).ok().map(Word)
}

/// The theory of bit vectors: shifts by 64 and more give 0, and division by 0 all ones.
fn on_words(name: &str, a: u64, b: u64) -> Value {
    let shift = u32::try_from(b).unwrap_or(u32::MAX);
    match name {
        "bvadd" => Word(a.wrapping_add(b)),
        "bvsub" => Word(a.wrapping_sub(b)),
        "bvmul" => Word(a.wrapping_mul(b)),
        "bvudiv" => Word(a.checked_div(b).unwrap_or(u64::MAX)),
        "bvurem" => Word(a.checked_rem(b).unwrap_or(a)),
        "bvand" => Word(a & b),
        "bvor" => Word(a | b),
        "bvxor" => Word(a ^ b),
        "bvshl" => Word(a.checked_shl(shift).unwrap_or(0)),
        "bvlshr" => Word(a.checked_shr(shift).unwrap_or(0)),
        "=" => Truth(a == b),
        "bvult" => Truth(a < b),
        "bvule" => Truth(a <= b),
        "bvuge" => Truth(a >= b),
        _ => panic!("`{name}` is not known for words"),
    }
}

#[test]
fn functions_are_carried_out_as_the_language_says() {
    let text = "; a comment with ( in it
        (define-fun twice ((n Word)) Word (bvadd n n)) ; and another )
        (define-fun least ((a Word) (b Word)) Word (ite (bvule a b) a b))
        (define-fun swapped ((a Word) (b Word)) Word (let ((a b) (b a)) (bvsub a (twice b))))
        (define-fun odd ((a Word)) Bool (and (= (bvurem a #x0000000000000002) #x0000000000000001) (not (= a a))))";
    let functions = Functions::of(text);
    assert_eq!(functions.call("least", &[7, 5]), Word(5));
    assert_eq!(functions.call("swapped", &[1, 10]), Word(8), "a `let` binds all its names at once");
    assert_eq!(functions.call("odd", &[3]), Truth(false));
    assert_eq!(functions.made_of("swapped").into_iter().collect::<Vec<_>>(), ["swapped", "twice"]);
    assert_eq!((functions.names().len(), functions.arity("least")), (4, 2));
    for (name, a, b, expected) in
        [("bvshl", 1, 64, 0), ("bvlshr", 8, 1 << 40, 0), ("bvudiv", 8, 0, u64::MAX), ("bvurem", 8, 0, 8)]
    {
        assert_eq!(on_words(name, a, b), Word(expected), "{name}");
    }
}
