//! Reading the text form. It takes what is printed, with space and `;` comments at line ends anywhere;
//! the unit is not verified.

mod lex;

use super::{
    Arm, Block, BlockId, Call, Callee, Constant, ConstantId, DEPTH_LIMIT, Demand, End, Function,
    FunctionId, Join, JoinId, Kind, Op, Operand, Operation, Prim, Role, Signature, Stmt, Twin,
    Type, Unit, Var,
};
use lex::{Lexer, Token};

/// What is wrong with a text, and where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {what}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
}

type Parse<T> = Result<T, ParseError>;

/// Numbers in names are not above this, so that a text cannot ask for large tables.
const NUMBER_LIMIT: u32 = 1 << 20;

/// Reads a unit.
///
/// # Errors
/// What does not belong where it stands. That names are defined where they are used, and types fit,
/// is `verify`'s to say.
pub fn parse(text: &str) -> Result<Unit, ParseError> {
    let mut parser = Parser { lexer: Lexer::new(text), function: Function::new(Role::General) };
    let mut unit = Unit::default();
    while let Token::Word(word) = parser.lexer.peek()? {
        if word.starts_with('k') {
            let name = ConstantId(parser.numbered("k")?);
            parser.in_order(name.0, unit.constants.len())?;
            parser.expect('=')?;
            unit.constants.push(parser.constant()?);
        } else {
            let (name, function) = parser.function()?;
            parser.in_order(name, unit.functions.len())?;
            unit.functions.push(function);
        }
    }
    match parser.lexer.peek()? {
        Token::End => Ok(unit),
        token => parser.wrong("a constant or function", &token),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The one being read.
    function: Function,
}

impl Parser<'_> {
    fn wrong<T>(&self, wanted: &str, found: &Token) -> Parse<T> {
        Err(self.lexer.error(format!("wanted {wanted}, found {found}")))
    }

    fn in_order(&self, number: u32, next: usize) -> Parse<()> {
        if number as usize == next {
            return Ok(());
        }
        Err(self.lexer.error(format!("number {number} comes where {next} should")))
    }

    fn expect(&mut self, mark: char) -> Parse<()> {
        match self.lexer.next()? {
            Token::Mark(found) if found == mark => Ok(()),
            token => self.wrong(&format!("`{mark}`"), &token),
        }
    }

    fn accept(&mut self, mark: char) -> Parse<bool> {
        let found = self.lexer.peek()? == Token::Mark(mark);
        if found {
            self.lexer.next()?;
        }
        Ok(found)
    }

    fn word(&mut self) -> Parse<String> {
        match self.lexer.next()? {
            Token::Word(word) => Ok(word),
            token => self.wrong("a word", &token),
        }
    }

    fn accept_word(&mut self, wanted: &str) -> Parse<bool> {
        let found = matches!(self.lexer.peek()?, Token::Word(word) if word == wanted);
        if found {
            self.lexer.next()?;
        }
        Ok(found)
    }

    /// A nat that is a word.
    fn nat(&mut self) -> Parse<u64> {
        let nat = self.count()?;
        self.small(nat)
    }

    fn small(&self, nat: u64) -> Parse<u64> {
        if nat < 1 << 63 { Ok(nat) } else { Err(self.lexer.error(format!("{nat} is too large"))) }
    }

    /// Any number of 64 bits: a law's arity may be the largest, which stands for those above it.
    fn count(&mut self) -> Parse<u64> {
        match self.lexer.next()? {
            Token::Nat(nat) => Ok(nat),
            token => self.wrong("a nat", &token),
        }
    }

    /// A letter and a number, as one word.
    fn numbered(&mut self, letter: &str) -> Parse<u32> {
        let word = self.word()?;
        match number(&word, letter) {
            Some(number) => Ok(number),
            None => self.wrong(&format!("`{letter}` and a number"), &Token::Word(word)),
        }
    }

    /// Some of something, with commas between them, up to a closing parenthesis.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        self.expect('(')?;
        let mut items = Vec::new();
        if self.accept(')')? {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.accept(')')? {
                return Ok(items);
            }
            self.expect(',')?;
        }
    }

    /// At least one of something, with commas between them.
    fn some<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.accept(',')? {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn ty(&mut self) -> Parse<Type> {
        let word = self.word()?;
        match word.as_str() {
            "bit" => Ok(Type::Bit),
            "half" => Ok(Type::Half),
            "small" => Ok(Type::Small),
            "nat" => Ok(Type::Nat),
            "whnf" => Ok(Type::Whnf),
            "any" => Ok(Type::Any),
            _ => self.wrong("a type", &Token::Word(word)),
        }
    }

    // Constants.

    fn constant(&mut self) -> Parse<Constant> {
        let word = self.word()?;
        let kind = match word.as_str() {
            "pin" => Kind::Pin,
            "law" => Kind::Law,
            "app" => Kind::App,
            "nat" => Kind::Nat,
            _ => return self.wrong("a kind of constant", &Token::Word(word)),
        };
        let name = match self.lexer.next()? {
            Token::Text(name) => name,
            token => return self.wrong("a name in quotes", &token),
        };
        if !self.accept_word("arity")? {
            return Err(self.lexer.error("wanted `arity`".to_owned()));
        }
        let arity = self.count()?;
        let jet = if self.accept_word("jet")? {
            let demands = self.list(Self::demand)?;
            let result = if self.accept_word("gives")? { self.ty()? } else { Type::Whnf };
            let operation = operation_of(&name);
            Some(Twin { demands, result, operation })
        } else {
            None
        };
        let worker = if self.accept_word("worker")? {
            let params = self.list(Self::ty)?;
            Some(Signature { params, results: self.results()? })
        } else {
            None
        };
        let entry =
            if self.accept_word("entry")? { Some(FunctionId(self.numbered("f")?)) } else { None };
        let of = if self.accept_word("of")? {
            Some((ConstantId(self.numbered("k")?), self.operands()?))
        } else {
            None
        };
        Ok(Constant { name, kind, arity, jet, worker, entry, of })
    }

    fn demand(&mut self) -> Parse<Demand> {
        let word = self.word()?;
        match word.as_str() {
            "lazy" => Ok(Demand::Lazy),
            "head" => Ok(Demand::Head),
            "normal" => Ok(Demand::Normal),
            _ => self.wrong("a demand", &Token::Word(word)),
        }
    }

    fn results(&mut self) -> Parse<Vec<Type>> {
        self.expect('-')?;
        self.expect('>')?;
        self.some(Self::ty)
    }

    // Functions.

    fn function(&mut self) -> Parse<(u32, Function)> {
        let word = self.word()?;
        let role = match word.as_str() {
            "general" => Role::General,
            "worker" => Role::Worker,
            "thunk" => Role::Thunk,
            _ => return self.wrong("a constant or function", &Token::Word(word)),
        };
        let name = self.numbered("f")?;
        self.function = Function::new(role);
        self.function.blocks.clear();
        self.function.params = self.list(Self::typed)?;
        self.function.results = self.results()?;
        self.function.entry = self.braces(0)?;
        Ok((name, std::mem::replace(&mut self.function, Function::new(role))))
    }

    /// A variable being defined.
    fn typed(&mut self) -> Parse<Var> {
        let var = Var(self.numbered("v")?);
        self.expect(':')?;
        let ty = self.ty()?;
        let vars = &mut self.function.vars;
        vars.resize(vars.len().max(var.index() + 1), Type::Any);
        vars[var.index()] = ty;
        Ok(var)
    }

    fn braces(&mut self, depth: usize) -> Parse<BlockId> {
        if depth > DEPTH_LIMIT {
            return Err(self.lexer.error(format!("blocks nested deeper than {DEPTH_LIMIT}")));
        }
        self.expect('{')?;
        let mut stmts = Vec::new();
        let end = loop {
            if let Some(stmt) = self.stmt(depth)? {
                stmts.push(stmt);
            } else {
                break self.end(depth)?;
            }
        };
        self.expect('}')?;
        self.function.blocks.push(Block { stmts, end });
        Ok(BlockId(self.function.blocks.len() as u32 - 1))
    }

    /// A statement, if one comes.
    fn stmt(&mut self, depth: usize) -> Parse<Option<Stmt>> {
        let Token::Word(word) = self.lexer.peek()? else { return Ok(None) };
        match word.as_str() {
            "rec" => {
                self.lexer.next()?;
                self.expect('{')?;
                let mut group = Vec::new();
                while !self.accept('}')? {
                    let var = self.typed()?;
                    self.expect('=')?;
                    group.push((var, self.op()?));
                    self.accept('|')?;
                }
                Ok(Some(Stmt::Rec(group)))
            }
            "join" | "loop" => {
                self.lexer.next()?;
                let id = JoinId(self.numbered("j")?);
                let params = self.list(Self::typed)?;
                let body = self.braces(depth + 1)?;
                let join = Join { params, body, is_loop: word == "loop" };
                let unset = Join { params: Vec::new(), body, is_loop: false };
                let joins = &mut self.function.joins;
                joins.resize(joins.len().max(id.index() + 1), unset);
                joins[id.index()] = join;
                Ok(Some(Stmt::Join(id)))
            }
            _ if number(&word, "v").is_some() => {
                let vars = self.some(Self::typed)?;
                self.expect('=')?;
                Ok(Some(Stmt::Let(vars, self.op()?)))
            }
            _ => Ok(None),
        }
    }

    fn operand(&mut self) -> Parse<Operand> {
        match self.lexer.next()? {
            Token::Nat(nat) => Ok(Operand::Small(self.small(nat)?)),
            Token::Word(word) => {
                let var = number(&word, "v").map(|n| Operand::Var(Var(n)));
                let constant = || number(&word, "k").map(|n| Operand::Constant(ConstantId(n)));
                match var.or_else(constant) {
                    Some(operand) => Ok(operand),
                    None => self.wrong("an operand", &Token::Word(word)),
                }
            }
            token => self.wrong("an operand", &token),
        }
    }

    fn operands(&mut self) -> Parse<Vec<Operand>> {
        self.list(Self::operand)
    }

    fn op(&mut self) -> Parse<Op> {
        if let Some(call) = self.call()? {
            return Ok(Op::Call(call));
        }
        let word = self.word()?;
        Ok(match word.as_str() {
            "thunk" => Op::Thunk(FunctionId(self.numbered("f")?), self.operands()?),
            "delay" => Op::Delay(self.operand()?, self.operands()?),
            "partial" => Op::Partial(ConstantId(self.numbered("k")?), self.operands()?),
            "row" => Op::Row(self.operands()?),
            "force" => Op::Force(self.operand()?),
            "normalise" => Op::Normalise(self.operand()?),
            _ => match Prim::named(&word) {
                Some(prim) => Op::Prim(prim, self.some(Self::operand)?),
                None => return self.wrong("an operation", &Token::Word(word)),
            },
        })
    }

    /// A call, if one comes.
    fn call(&mut self) -> Parse<Option<Call>> {
        let callee = if self.accept_word("apply")? {
            Callee::Unknown(self.operand()?)
        } else if !self.accept_word("call")? {
            return Ok(None);
        } else if self.accept_word("worker")? {
            Callee::Worker(ConstantId(self.numbered("k")?))
        } else if self.accept_word("jet")? {
            Callee::Jet(ConstantId(self.numbered("k")?))
        } else {
            let word = self.word()?;
            match (number(&word, "k"), number(&word, "f")) {
                (Some(k), _) => Callee::Known(ConstantId(k)),
                (_, Some(f)) => Callee::Local(FunctionId(f)),
                _ => return self.wrong("a constant or function", &Token::Word(word)),
            }
        };
        Ok(Some(Call { callee, args: self.operands()? }))
    }

    fn end(&mut self, depth: usize) -> Parse<End> {
        let word = self.word()?;
        Ok(match word.as_str() {
            "return" => End::Return(self.some(Self::operand)?),
            "enter" => End::Enter(self.operand()?),
            "tail" => match self.call()? {
                Some(call) => End::Tail(call),
                None => return Err(self.lexer.error("wanted a call".to_owned())),
            },
            "jump" => End::Jump(JoinId(self.numbered("j")?), self.operands()?),
            "if" => {
                let condition = self.operand()?;
                let [yes, no] = self.branches(depth)?;
                End::If(condition, yes, no)
            }
            "direct" => {
                let on = self.operand()?;
                if !self.accept_word("as")? {
                    return Err(self.lexer.error("wanted `as`".to_owned()));
                }
                let nat = self.typed()?;
                let [yes, no] = self.branches(depth)?;
                End::Direct(on, nat, yes, no)
            }
            "switch" => {
                let on = self.operand()?;
                self.expect('{')?;
                let mut cases = Vec::new();
                while !self.accept_word("else")? {
                    cases.push((self.nat()?, self.braces(depth + 1)?));
                }
                let other = self.braces(depth + 1)?;
                self.expect('}')?;
                End::Switch(on, cases, other)
            }
            "reflect" => {
                let on = self.operand()?;
                self.expect('{')?;
                let arms = [
                    self.arm("pin", depth)?,
                    self.arm("law", depth)?,
                    self.arm("app", depth)?,
                    self.arm("nat", depth)?,
                ];
                self.expect('}')?;
                End::Reflect(on, Box::new(arms))
            }
            "closure" => {
                let on = self.operand()?;
                self.expect('{')?;
                let k = ConstantId(self.numbered("k")?);
                let params = self.list(Self::typed)?;
                let arm = Arm { params, block: self.braces(depth + 1)? };
                if !self.accept_word("else")? {
                    return Err(self.lexer.error("wanted `else`".to_owned()));
                }
                let other = self.braces(depth + 1)?;
                self.expect('}')?;
                End::Closure(on, k, Box::new(arm), other)
            }
            "crash" => {
                let operation = self.operand()?;
                self.expect(',')?;
                End::Crash(operation, self.operand()?)
            }
            _ => return self.wrong("a statement or an end", &Token::Word(word)),
        })
    }

    /// Two blocks, with `else` between them.
    fn branches(&mut self, depth: usize) -> Parse<[BlockId; 2]> {
        let yes = self.braces(depth + 1)?;
        if !self.accept_word("else")? {
            return Err(self.lexer.error("wanted `else`".to_owned()));
        }
        Ok([yes, self.braces(depth + 1)?])
    }

    fn arm(&mut self, wanted: &str, depth: usize) -> Parse<Arm> {
        if !self.accept_word(wanted)? {
            return Err(self.lexer.error(format!("wanted `{wanted}`")));
        }
        let params = self.list(Self::typed)?;
        Ok(Arm { params, block: self.braces(depth + 1)? })
    }
}

/// The number after the letter that a word starts with.
fn number(word: &str, letter: &str) -> Option<u32> {
    let digits = word.strip_prefix(letter)?;
    digits.parse().ok().filter(|&n| n < NUMBER_LIMIT)
}

/// What the jet of that name does: it is not written out.
fn operation_of(name: &str) -> Option<Operation> {
    jets::jets().find(|jet| jet.name == name)?.operation
}
