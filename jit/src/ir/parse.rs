//! The parser of the text form. It accepts what [`print`](super::print) writes, with white space
//! and `;` comments anywhere between tokens. The caller verifies the unit.

mod lex;

use super::{
    ArgDemand, Arm, Block, BlockId, Call, Callee, Constant, ConstantId, ConstantKind, DEPTH_LIMIT,
    Function, FunctionId, FunctionRole, JetOperation, JetSignature, JoinId, JoinPoint, Op, Operand,
    Prim, Stmt, Terminator, Type, Unit, Var, WorkerSignature,
};
use cranelift_entity::PrimaryMap;
pub use lex::IrParseError;
use lex::{IrLexer, IrToken};

type Parse<T> = Result<T, IrParseError>;

/// Indices in names are below this, so that a text cannot ask for large tables.
const INDEX_LIMIT: u32 = 1 << 20;

/// Parses a unit. Scopes and types are left to [`verify`](super::verify()).
///
/// # Errors
/// The first token that does not fit the grammar, an index out of order, or blocks that nest deeper
/// than [`DEPTH_LIMIT`].
pub fn parse(text: &str) -> Result<Unit, IrParseError> {
    let mut parser = IrParser {
        lexer: IrLexer::new(text),
        vars: Vec::new(),
        joins: Vec::new(),
        blocks: PrimaryMap::new(),
    };
    let mut unit = Unit::default();
    while let IrToken::Word(word) = parser.lexer.peek()? {
        if word == "rows" && unit.constants.is_empty() {
            parser.word()?;
            unit.row_size = Some(parser.nat()?);
        } else if word.starts_with('k') {
            let index = parser.indexed("k")?;
            parser.in_order(index, unit.constants.len())?;
            parser.expect('=')?;
            unit.constants.push(parser.constant()?);
        } else {
            let (index, function) = parser.function()?;
            parser.in_order(index, unit.functions.len())?;
            unit.functions.push(function);
        }
    }
    match parser.lexer.peek()? {
        IrToken::Eof => Ok(unit),
        token => parser.unexpected("a constant or function", &token),
    }
}

struct IrParser<'t> {
    lexer: IrLexer<'t>,
    /// The variable types of the function being parsed.
    vars: Vec<Type>,
    /// Its join points.
    joins: Vec<JoinPoint>,
    /// Its blocks.
    blocks: PrimaryMap<BlockId, Block>,
}

impl IrParser<'_> {
    fn unexpected<T>(&self, expected: &str, found: &IrToken) -> Parse<T> {
        Err(self.lexer.error(format!("expected {expected}, found {found}")))
    }

    fn in_order(&self, index: u32, next: usize) -> Parse<()> {
        if index as usize == next {
            return Ok(());
        }
        Err(self.lexer.error(format!("index {index} is out of order, expected {next}")))
    }

    fn expect(&mut self, mark: char) -> Parse<()> {
        match self.lexer.next()? {
            IrToken::Mark(found) if found == mark => Ok(()),
            token => self.unexpected(&format!("`{mark}`"), &token),
        }
    }

    fn accept(&mut self, mark: char) -> Parse<bool> {
        let found = self.lexer.peek()? == IrToken::Mark(mark);
        if found {
            self.lexer.next()?;
        }
        Ok(found)
    }

    fn word(&mut self) -> Parse<String> {
        match self.lexer.next()? {
            IrToken::Word(word) => Ok(word),
            token => self.unexpected("a word", &token),
        }
    }

    fn accept_word(&mut self, expected: &str) -> Parse<bool> {
        let found = matches!(self.lexer.peek()?, IrToken::Word(word) if word == expected);
        if found {
            self.lexer.next()?;
        }
        Ok(found)
    }

    /// Parses a nat below 2^63.
    fn nat(&mut self) -> Parse<u64> {
        let nat = self.word64()?;
        self.small(nat)
    }

    fn small(&self, nat: u64) -> Parse<u64> {
        if nat < 1 << 63 { Ok(nat) } else { Err(self.lexer.error(format!("{nat} is too large"))) }
    }

    /// Parses a 64-bit number. An arity of `u64::MAX` represents all larger ones too.
    fn word64(&mut self) -> Parse<u64> {
        match self.lexer.next()? {
            IrToken::Nat(nat) => Ok(nat),
            token => self.unexpected("a nat", &token),
        }
    }

    /// Parses a letter and an index as one word.
    fn indexed(&mut self, letter: &str) -> Parse<u32> {
        let word = self.word()?;
        match index(&word, letter) {
            Some(index) => Ok(index),
            None => self.unexpected(&format!("`{letter}` and an index"), &IrToken::Word(word)),
        }
    }

    /// Parses a parenthesised list of items separated by commas, perhaps empty.
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

    /// Parses at least one item, separated by commas.
    fn some_of<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parse<T>) -> Parse<Vec<T>> {
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
            "u64" => Ok(Type::U64),
            "nat" => Ok(Type::Nat),
            "whnf" => Ok(Type::Whnf),
            "any" => Ok(Type::Any),
            _ => self.unexpected("a type", &IrToken::Word(word)),
        }
    }

    // Constants.

    fn constant(&mut self) -> Parse<Constant> {
        let word = self.word()?;
        let kind = match word.as_str() {
            "pin" => ConstantKind::Pin,
            "law" => ConstantKind::Law,
            "app" => ConstantKind::App,
            "nat" => ConstantKind::Nat,
            _ => return self.unexpected("a kind of constant", &IrToken::Word(word)),
        };
        let name = match self.lexer.next()? {
            IrToken::Text(name) => name,
            token => return self.unexpected("a name in quotes", &token),
        };
        if !self.accept_word("arity")? {
            return Err(self.lexer.error("expected `arity`".to_owned()));
        }
        let arity = self.word64()?;
        let jet = if self.accept_word("jet")? {
            let demands = self.list(Self::demand)?;
            let result = if self.accept('-')? {
                self.expect('>')?;
                self.ty()?
            } else {
                Type::Whnf
            };
            let operation = operation_of(&name);
            Some(JetSignature { demands, result, operation })
        } else {
            None
        };
        let worker = if self.accept_word("worker")? {
            let params = self.list(Self::ty)?;
            Some(WorkerSignature { params, results: self.results()? })
        } else {
            None
        };
        let entry = if self.accept_word("entry")? {
            Some(FunctionId::from_u32(self.indexed("f")?))
        } else {
            None
        };
        let of = if self.accept_word("of")? {
            Some((ConstantId::from_u32(self.indexed("k")?), self.operands()?))
        } else {
            None
        };
        let number = if self.accept_word("is")? { Some(self.word64()?) } else { None };
        let limbs = if self.accept_word("limbs")? { Some(self.list(Self::word64)?) } else { None };
        let length = if self.accept_word("length")? { Some(self.word64()?) } else { None };
        let items = if self.accept_word("row")? { Some(self.list(Self::word64)?) } else { None };
        Ok(Constant { name, kind, arity, jet, worker, entry, of, number, limbs, length, items })
    }

    fn demand(&mut self) -> Parse<ArgDemand> {
        let word = self.word()?;
        match word.as_str() {
            "lazy" => Ok(ArgDemand::Lazy),
            "head" => Ok(ArgDemand::Head),
            "normal" => Ok(ArgDemand::Normal),
            _ => self.unexpected("a demand", &IrToken::Word(word)),
        }
    }

    fn results(&mut self) -> Parse<Vec<Type>> {
        self.expect('-')?;
        self.expect('>')?;
        self.some_of(Self::ty)
    }

    // Functions.

    fn function(&mut self) -> Parse<(u32, Function)> {
        let word = self.word()?;
        let role = match word.as_str() {
            "general" => FunctionRole::General,
            "worker" => FunctionRole::Worker,
            "thunk" => FunctionRole::Thunk,
            "lazy" => FunctionRole::Lazy,
            _ => return self.unexpected("a constant or function", &IrToken::Word(word)),
        };
        let index = self.indexed("f")?;
        let params = self.list(Self::typed)?;
        let results = self.results()?;
        let entry = self.braces(0)?;
        let vars = PrimaryMap::from(std::mem::take(&mut self.vars));
        let joins = PrimaryMap::from(std::mem::take(&mut self.joins));
        let blocks = std::mem::take(&mut self.blocks);
        let law = None;
        Ok((index, Function { role, law, params, results, entry, vars, joins, blocks }))
    }

    /// Parses the definition of a variable.
    fn typed(&mut self) -> Parse<Var> {
        let var = Var::from_u32(self.indexed("v")?);
        self.expect(':')?;
        let ty = self.ty()?;
        self.vars.resize(self.vars.len().max(var.index() + 1), Type::Any);
        self.vars[var.index()] = ty;
        Ok(var)
    }

    /// Parses a block in braces.
    fn braces(&mut self, depth: usize) -> Parse<BlockId> {
        if depth > DEPTH_LIMIT {
            return Err(self.lexer.error(format!("blocks nested deeper than {DEPTH_LIMIT}")));
        }
        self.expect('{')?;
        let mut stmts = Vec::new();
        let terminator = loop {
            if let Some(stmt) = self.stmt(depth)? {
                stmts.push(stmt);
            } else {
                break self.terminator(depth)?;
            }
        };
        self.expect('}')?;
        Ok(self.blocks.push(Block { stmts, terminator }))
    }

    /// Parses a statement, if the next word starts one.
    fn stmt(&mut self, depth: usize) -> Parse<Option<Stmt>> {
        let IrToken::Word(word) = self.lexer.peek()? else { return Ok(None) };
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
                let id = JoinId::from_u32(self.indexed("j")?);
                let params = self.list(Self::typed)?;
                let body = self.braces(depth + 1)?;
                let join = JoinPoint { params, body, is_loop: word == "loop" };
                let undefined = JoinPoint { params: Vec::new(), body, is_loop: false };
                self.joins.resize(self.joins.len().max(id.index() + 1), undefined);
                self.joins[id.index()] = join;
                Ok(Some(Stmt::Join(id)))
            }
            _ if index(&word, "v").is_some() => {
                let vars = self.some_of(Self::typed)?;
                self.expect('=')?;
                Ok(Some(Stmt::Let(vars, self.op()?)))
            }
            _ => Ok(None),
        }
    }

    fn operand(&mut self) -> Parse<Operand> {
        match self.lexer.next()? {
            IrToken::Nat(nat) => Ok(Operand::Small(self.small(nat)?)),
            IrToken::Word(word) => {
                let var = index(&word, "v").map(|n| Operand::Var(Var::from_u32(n)));
                let constant =
                    || index(&word, "k").map(|n| Operand::Constant(ConstantId::from_u32(n)));
                match var.or_else(constant) {
                    Some(operand) => Ok(operand),
                    None => self.unexpected("an operand", &IrToken::Word(word)),
                }
            }
            token => self.unexpected("an operand", &token),
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
            "thunk" => Op::Thunk(FunctionId::from_u32(self.indexed("f")?), self.operands()?),
            "delay" => Op::Delay(self.operand()?, self.operands()?),
            "partial" => Op::Partial(ConstantId::from_u32(self.indexed("k")?), self.operands()?),
            "row" => Op::Row(self.operands()?),
            "generate" => Op::Generate(FunctionId::from_u32(self.indexed("f")?), self.operands()?),
            "zerorow" => Op::ZeroRow(self.operand()?),
            "setitem" => Op::SetItem(self.some_of(Self::operand)?),
            "force" => Op::Force(self.operand()?),
            "normalise" => Op::Normalise(self.operand()?),
            _ => match Prim::named(&word) {
                Some(prim) => Op::Prim(prim, self.some_of(Self::operand)?),
                None => return self.unexpected("an operation", &IrToken::Word(word)),
            },
        })
    }

    /// Parses a call, if the next word starts one.
    fn call(&mut self) -> Parse<Option<Call>> {
        let callee = if self.accept_word("apply")? {
            Callee::Unknown(self.operand()?)
        } else if !self.accept_word("call")? {
            return Ok(None);
        } else if self.accept_word("worker")? {
            Callee::Worker(ConstantId::from_u32(self.indexed("k")?))
        } else if self.accept_word("jet")? {
            Callee::Jet(ConstantId::from_u32(self.indexed("k")?))
        } else {
            let word = self.word()?;
            match (index(&word, "k"), index(&word, "f")) {
                (Some(k), _) => Callee::Known(ConstantId::from_u32(k)),
                (_, Some(f)) => Callee::Local(FunctionId::from_u32(f)),
                _ => return self.unexpected("a constant or function", &IrToken::Word(word)),
            }
        };
        Ok(Some(Call { callee, args: self.operands()? }))
    }

    fn terminator(&mut self, depth: usize) -> Parse<Terminator> {
        let word = self.word()?;
        Ok(match word.as_str() {
            "return" => Terminator::Return(self.some_of(Self::operand)?),
            "enter" => Terminator::Enter(self.operand()?),
            "tail" => match self.call()? {
                Some(call) => Terminator::Tail(call),
                None => return Err(self.lexer.error("expected a call".to_owned())),
            },
            "jump" => Terminator::Jump(JoinId::from_u32(self.indexed("j")?), self.operands()?),
            "if" => {
                let condition = self.operand()?;
                let [yes, no] = self.branches(depth)?;
                Terminator::If(condition, yes, no)
            }
            "direct" => {
                let on = self.operand()?;
                if !self.accept_word("as")? {
                    return Err(self.lexer.error("expected `as`".to_owned()));
                }
                let nat = self.typed()?;
                let [yes, no] = self.branches(depth)?;
                Terminator::Direct(on, nat, yes, no)
            }
            "switch" => {
                let on = self.operand()?;
                self.expect('{')?;
                let mut cases = Vec::new();
                while !self.accept_word("else")? {
                    cases.push((self.nat()?, self.braces(depth + 1)?));
                }
                let default = self.braces(depth + 1)?;
                self.expect('}')?;
                Terminator::Switch(on, cases, default)
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
                Terminator::Reflect(on, Box::new(arms))
            }
            "closure" => {
                let on = self.operand()?;
                self.expect('{')?;
                let k = ConstantId::from_u32(self.indexed("k")?);
                let params = self.list(Self::typed)?;
                let arm = Arm { params, block: self.braces(depth + 1)? };
                if !self.accept_word("else")? {
                    return Err(self.lexer.error("expected `else`".to_owned()));
                }
                let other = self.braces(depth + 1)?;
                self.expect('}')?;
                Terminator::Closure(on, k, Box::new(arm), other)
            }
            "crash" => {
                let operation = self.operand()?;
                self.expect(',')?;
                Terminator::Crash(operation, self.operand()?)
            }
            _ => return self.unexpected("a statement or a terminator", &IrToken::Word(word)),
        })
    }

    /// Parses two blocks separated by `else`.
    fn branches(&mut self, depth: usize) -> Parse<[BlockId; 2]> {
        let yes = self.braces(depth + 1)?;
        if !self.accept_word("else")? {
            return Err(self.lexer.error("expected `else`".to_owned()));
        }
        Ok([yes, self.braces(depth + 1)?])
    }

    fn arm(&mut self, kind: &str, depth: usize) -> Parse<Arm> {
        if !self.accept_word(kind)? {
            return Err(self.lexer.error(format!("expected `{kind}`")));
        }
        let params = self.list(Self::typed)?;
        Ok(Arm { params, block: self.braces(depth + 1)? })
    }
}

/// The index in a word that is this letter and an index.
fn index(word: &str, letter: &str) -> Option<u32> {
    let digits = word.strip_prefix(letter)?;
    digits.parse().ok().filter(|&n| n < INDEX_LIMIT)
}

/// The operation of the jet with this name, which the text form leaves out.
fn operation_of(name: &str) -> Option<JetOperation> {
    jets::jets().find(|jet| jet.name == name)?.operation
}
