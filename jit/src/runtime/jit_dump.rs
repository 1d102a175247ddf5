//! [`JitDump`]: `/tmp/jit-PID.dump`, from which `perf inject --jit` makes a profile with the names and
//! the machine code of compiled functions.
//!
//! ```text
//! header   magic, version, size of the header, processor, 0, process          u32 each
//!          time, flags                                                         u64 each
//! record   kind (0: a function), size of the record                            u32 each
//!          time                                                                u64
//!          process, thread                                                     u32 each
//!          address, address, size of the code, number of the function          u64 each
//!          name, ending with a zero byte; the code
//! ```
//!
//! (tools/perf/Documentation/jitdump-specification.txt of Linux) Numbers have the byte order of the
//! processor, and times are those of `CLOCK_MONOTONIC`, so `perf record` needs `-k mono`. `perf` finds the
//! file because the process maps it as code. The times distinguish code that was freed from newer code at
//! the same addresses, which the map for `perf` cannot.

use super::perf_file::PerfFile;
use rustix::mm::{MapFlags, ProtFlags};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

pub(super) static JIT_DUMP: PerfFile = PerfFile::new("jit", "dump");

const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_SIZE: u32 = 40;
/// The record of a function, without its name and its code.
const FUNCTION_SIZE: usize = 56;
const FUNCTION: u32 = 0;
/// The processor as in the header of an ELF file.
const PROCESSOR: u32 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

/// Has functions that are compiled from now on written for `perf inject`. Call it before the first code is
/// compiled. Returns the path of the file, which exists once code has been linked.
pub fn enable_jit_dump() -> PathBuf {
    JIT_DUMP.enable()
}

/// Nanoseconds of the clock whose times `perf` compares.
fn time() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A function that was linked.
pub(super) struct DumpedFunction<'f> {
    pub(super) address: usize,
    pub(super) name: &'f str,
    /// The code as it will run.
    pub(super) code: &'f [u8],
}

/// The file of this process.
#[derive(Default)]
pub(super) struct JitDump {
    file: Option<File>,
    /// The number of functions that were written.
    functions: u64,
    /// Whether the file could not be made or written. It is not tried again.
    has_failed: bool,
}

impl JitDump {
    /// Adds functions, if a file is wanted.
    pub(super) fn add<'f>(&mut self, functions: impl Iterator<Item = DumpedFunction<'f>>) {
        if self.has_failed || !JIT_DUMP.is_wanted() {
            return;
        }
        if let Err(error) = self.write(functions) {
            eprintln!("pallas: no file for perf inject: {}: {error}", JIT_DUMP.path().display());
            self.has_failed = true;
        }
    }

    fn write<'f>(&mut self, functions: impl Iterator<Item = DumpedFunction<'f>>) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = JIT_DUMP.create()?;
                file.write_all(&header())?;
                map_as_code(&file)?;
                self.file.insert(file)
            }
        };
        let mut records = Vec::new();
        for function in functions {
            write_record(&mut records, self.functions, &function);
            self.functions += 1;
        }
        file.write_all(&records)
    }
}

fn header() -> Vec<u8> {
    let mut bytes = Vec::new();
    let numbers = [MAGIC, VERSION, HEADER_SIZE, PROCESSOR, 0, std::process::id()];
    numbers.iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
    [time(), 0].iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
    bytes
}

fn write_record(bytes: &mut Vec<u8>, number: u64, function: &DumpedFunction<'_>) {
    let DumpedFunction { address, name, code } = *function;
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let name = format!("pallas:{name}\0");
    let size = FUNCTION_SIZE + name.len() + code.len();
    // Code is mapped for all threads, so the number of any will do: this is that of the first.
    let process = std::process::id();
    let u32_bytes = |numbers: &[u32]| numbers.iter().flat_map(|it| it.to_ne_bytes()).collect();
    let u64_bytes = |numbers: &[u64]| numbers.iter().flat_map(|it| it.to_ne_bytes()).collect();
    let address = address as u64;
    let parts: [Vec<u8>; 4] = [
        u32_bytes(&[FUNCTION, size as u32]),
        u64_bytes(&[time()]),
        u32_bytes(&[process, process]),
        u64_bytes(&[address, address, code.len() as u64, number]),
    ];
    parts.iter().for_each(|part| bytes.extend(part));
    bytes.extend(name.as_bytes());
    bytes.extend(code);
}

/// Maps the beginning of the file, for as long as the process runs, as if it were code: `perf record`
/// notes such mappings, and `perf inject` looks among them for a file of this name.
fn map_as_code(file: &File) -> io::Result<()> {
    let protection = ProtFlags::READ | ProtFlags::EXEC;
    // SAFETY: a new mapping at an address that the kernel chooses, and nothing uses it.
    unsafe {
        rustix::mm::mmap(
            std::ptr::null_mut(),
            HEADER_SIZE as usize,
            protection,
            MapFlags::PRIVATE,
            file,
            0,
        )
    }?;
    Ok(())
}
