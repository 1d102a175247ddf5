//! Constants of an optimised function, made anew in each block that uses them.
//!
//! A constant is an instruction without operands, so it is cheaper to make it where it is used than to keep it
//! in a register. Cranelift means to do so, but it forgets it for constants of which its optimiser made a copy:
//! when a first block uses a constant and a loop behind that block uses it as well, the copy is made before the
//! loop, for all of it. If the loop makes calls, the copy occupies a preserved register, which each
//! call of the function saves and restores.

use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Block, Function, Inst, Opcode, Value, ValueDef};

/// Replaces the constants that instructions take from other blocks by constants of their own blocks.
pub(super) fn make_constants_local(function: &mut Function) {
    let mut cursor = FuncCursor::new(function);
    // The constants of other blocks that the block uses, and the copies.
    let mut copies: Vec<(Value, Value)> = Vec::new();
    while let Some(block) = cursor.next_block() {
        copies.clear();
        while let Some(inst) = cursor.next_inst() {
            let used: Vec<Value> = cursor.func.dfg.inst_values(inst).collect();
            let mut is_changed = false;
            for value in used {
                let Some(made_by) = constant_of_another_block(cursor.func, value, block) else {
                    continue;
                };
                is_changed = true;
                if copies.iter().any(|(constant, _)| *constant == value) {
                    continue;
                }
                let copy = cursor.func.dfg.clone_inst(made_by);
                cursor.insert_inst(copy);
                copies.push((value, cursor.func.dfg.first_result(copy)));
            }
            if is_changed {
                cursor.func.dfg.map_inst_values(inst, |value| {
                    let copy = copies.iter().find(|(constant, _)| *constant == value);
                    copy.map_or(value, |(_, copy)| *copy)
                });
            }
        }
    }
}

/// The instruction that makes a value, if the value is a constant that another block makes.
fn constant_of_another_block(function: &Function, value: Value, block: Block) -> Option<Inst> {
    let ValueDef::Result(inst, _) = function.dfg.value_def(value) else { return None };
    let is_constant = function.dfg.insts[inst].opcode() == Opcode::Iconst;
    (is_constant && function.layout.inst_block(inst) != Some(block)).then_some(inst)
}
