//! Giving compiled functions a place, and everything they refer to its address.

use super::{CodeMemory, Stub, trampoline};
use crate::codegen::{Backend, GiveUp, Object, Target};
use cranelift_codegen::binemit::Reloc;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use vm::native::{FrameTable, PARAMETERS_MAX};

/// The region of a process's code: addresses a call apart.
const REGION: usize = 64 << 20;
const ALIGNMENT: usize = 32;

/// Code before it is given a place, made when it is first used.
type Made = OnceLock<Result<Object, GiveUp>>;

/// Stubs, by number: the same for all runtimes.
static STUBS: [Made; Stub::COUNT] = [const { Made::new() }; Stub::COUNT];
/// Trampolines, by number of parameters, likewise.
static TRAMPOLINES: [Made; PARAMETERS_MAX + 1] = [const { Made::new() }; PARAMETERS_MAX + 1];

/// Something that every runtime with compiled code needs.
#[derive(Clone, Copy)]
enum Common {
    Stub(Stub),
    Trampoline(usize),
}

impl Common {
    /// All of them; those that take longest to make first.
    fn all() -> impl Iterator<Item = Common> {
        let fixed = [Stub::Force, Stub::Apply(2), Stub::Apply(1), Stub::Nat, Stub::Limit];
        let later = [Stub::ForceSlowly, Stub::Store, Stub::Room, Stub::Jet(2), Stub::Jet(1)];
        let applied = (3..=5).map(Stub::Apply);
        let called = (1..=5).map(Stub::Call);
        let stubs = fixed.into_iter().chain(applied).chain(called).chain(later);
        let trampolines = (0..=PARAMETERS_MAX).rev().map(Common::Trampoline);
        stubs.map(Common::Stub).chain(trampolines)
    }

    fn place(self) -> &'static Made {
        match self {
            Common::Stub(stub) => &STUBS[stub.number() as usize],
            Common::Trampoline(count) => &TRAMPOLINES[count],
        }
    }

    fn make(self, backend: &mut Backend) -> Result<&'static Object, GiveUp> {
        let made = self.place().get_or_init(|| match self {
            Common::Stub(stub) => stub.compile(backend),
            Common::Trampoline(count) => trampoline(backend, count),
        });
        made.as_ref().map_err(GiveUp::clone)
    }
}

/// Makes what every runtime needs and nobody else is making. Several threads may do so at once.
pub fn make_common() {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let Ok(mut backend) = Backend::new() else { return };
    while let Some(common) = Common::all().nth(NEXT.fetch_add(1, Ordering::Relaxed)) {
        // Who needs it will be told why it could not be made.
        let _ = common.make(&mut backend);
    }
}

/// What [`make_common`] makes, once it is all made; nothing, if that cannot be done.
pub fn common() -> Option<Vec<&'static Object>> {
    make_common();
    let mut backend = Backend::new().ok()?;
    Common::all().map(|common| common.make(&mut backend).ok()).collect()
}

/// Takes what [`common`] gave in an earlier run of this very program, if it is that.
pub fn take_common(objects: Vec<Object>) -> bool {
    let fits = objects.len() == Common::all().count();
    if fits {
        for (common, object) in Common::all().zip(objects) {
            // What has been made meanwhile is the same.
            let _ = common.place().set(Ok(object));
        }
    }
    fits
}

/// What code refers to that is not code: where the words of its constants are, and the places where
/// the addresses of other laws' code appear, by constant.
#[derive(Default)]
pub struct Places {
    /// The address of the constants' words.
    pub constants: usize,
    /// The address of such a place, for each constant that has one.
    pub entries: Vec<Option<usize>>,
}

/// Code that has been given a place.
pub struct Linked {
    /// Where the functions begin.
    pub addresses: Vec<usize>,
    /// All that was taken for them.
    pub piece: Range<usize>,
}

/// Where compiled code is put.
pub struct Linker {
    memory: CodeMemory,
    stubs: HashMap<Stub, usize>,
    frames: Arc<FrameTable>,
}

impl Linker {
    /// A new region.
    ///
    /// # Errors
    /// If the system does not grant the memory.
    pub fn new(frames: Arc<FrameTable>) -> Result<Linker, GiveUp> {
        let memory = CodeMemory::new(REGION).map_err(|e| GiveUp::Machine(e.to_string()))?;
        Ok(Linker { memory, stubs: HashMap::new(), frames })
    }

    /// Gives trampolines a place, by number of parameters.
    ///
    /// # Errors
    /// If they cannot be made, or there is no room.
    pub fn trampolines(&mut self, backend: &mut Backend) -> Result<Vec<usize>, GiveUp> {
        let trampolines = (0..=PARAMETERS_MAX).map(|n| Common::Trampoline(n).make(backend));
        let trampolines: Vec<&Object> = trampolines.collect::<Result<_, _>>()?;
        Ok(self.link(backend, &trampolines, &Places::default())?.addresses)
    }

    /// Makes sure that the stubs that functions refer to have a place. Those may refer to others, but
    /// not back.
    fn place_stubs(&mut self, backend: &mut Backend, objects: &[&Object]) -> Result<(), GiveUp> {
        for relocation in objects.iter().flat_map(|object| &object.relocations) {
            let Target::Stub(stub) = relocation.target else { continue };
            if self.stubs.contains_key(&stub) {
                continue;
            }
            let object = Common::Stub(stub).make(backend)?;
            let linked = self.link(backend, &[object], &Places::default())?;
            self.stubs.extend(linked.addresses.first().map(|address| (stub, *address)));
        }
        Ok(())
    }

    /// Bytes of code.
    pub fn used(&self) -> usize {
        self.memory.used()
    }

    /// Gives functions that refer to each other by their index here a place. They can be run, and the
    /// collector knows their frames.
    ///
    /// # Errors
    /// If there is no room, or something cannot be referred to.
    pub fn link(
        &mut self,
        backend: &mut Backend,
        objects: &[&Object],
        places: &Places,
    ) -> Result<Linked, GiveUp> {
        self.place_stubs(backend, objects)?;
        let mut offsets = Vec::with_capacity(objects.len());
        let mut size = 0usize;
        for object in objects {
            size = size.next_multiple_of(ALIGNMENT);
            offsets.push(size);
            size += object.code.len();
        }
        let piece = self.memory.take(size).ok_or(GiveUp::NoRoom)?;
        let addresses = offsets.iter().map(|offset| piece.start + offset).collect();
        let linked = Linked { addresses, piece };
        if let Err(reason) = self.write(objects, places, &linked) {
            self.memory.give_back(linked.piece);
            return Err(reason);
        }
        for (object, address) in objects.iter().zip(&linked.addresses) {
            for map in &object.maps {
                let return_address = address + map.return_offset as usize;
                self.frames.add(return_address, map.span, map.values.iter().copied());
            }
        }
        Ok(linked)
    }

    /// Writes functions to their places, and what they refer to into them.
    fn write(&mut self, objects: &[&Object], places: &Places, to: &Linked) -> Result<(), GiveUp> {
        for (object, &address) in objects.iter().zip(&to.addresses) {
            self.memory.piece(address, object.code.len()).copy_from_slice(&object.code);
            for relocation in &object.relocations {
                let target = match relocation.target {
                    Target::Function(index) => to.addresses.get(index as usize).copied(),
                    Target::Stub(stub) => self.stubs.get(&stub).copied(),
                    Target::Constants => Some(places.constants),
                    Target::Entry(k) => places.entries.get(k as usize).copied().flatten(),
                    Target::Rust(helper) => Some(helper.address()),
                };
                let target = target.ok_or(GiveUp::Shape("a reference to nothing"))?;
                let target = target.wrapping_add_signed(relocation.addend as isize);
                let at = address + relocation.offset as usize;
                relocate(&mut self.memory, relocation.kind, at, target)?;
            }
        }
        self.memory.publish(&to.piece).map_err(|e| GiveUp::Machine(e.to_string()))
    }

    /// Frees pieces of code, which nobody can come to run any more.
    pub fn free(&mut self, pieces: Vec<Range<usize>>) {
        self.frames.forget(&pieces);
        pieces.into_iter().for_each(|piece| self.memory.give_back(piece));
    }
}

/// Writes what the place `at` needs to refer to `target`.
fn relocate(memory: &mut CodeMemory, kind: Reloc, at: usize, target: usize) -> Result<(), GiveUp> {
    let distance = (target as i64).wrapping_sub(at as i64);
    match kind {
        Reloc::Abs8 => memory.piece(at, 8).copy_from_slice(&(target as u64).to_le_bytes()),
        Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
            let distance = i32::try_from(distance).map_err(|_| GiveUp::NoRoom)?;
            memory.piece(at, 4).copy_from_slice(&distance.to_le_bytes());
        }
        Reloc::Arm64Call => {
            let distance = (distance >> 2) as i32;
            if distance >> 25 != 0 && distance >> 25 != -1 {
                return Err(GiveUp::NoRoom);
            }
            change(memory, at, |inst| inst | (distance as u32 & 0x03ff_ffff));
        }
        Reloc::Aarch64AdrPrelPgHi21 => {
            let pages = ((target & !0xfff) as i64).wrapping_sub((at & !0xfff) as i64) >> 12;
            let pages = pages as u32;
            change(memory, at, |inst| inst | (pages & 3) << 29 | (pages & 0x1f_fffc) << 3);
        }
        Reloc::Aarch64AddAbsLo12Nc => {
            change(memory, at, |inst| inst | (target as u32 & 0xfff) << 10);
        }
        other => return Err(GiveUp::Cranelift(format!("a reference of kind {other:?}"))),
    }
    Ok(())
}

/// Changes an instruction of four bytes.
fn change(memory: &mut CodeMemory, at: usize, change: impl FnOnce(u32) -> u32) {
    let piece = memory.piece(at, 4);
    let mut bytes = [0; 4];
    bytes.copy_from_slice(piece);
    piece.copy_from_slice(&change(u32::from_le_bytes(bytes)).to_le_bytes());
}
