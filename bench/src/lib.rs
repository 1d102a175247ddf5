//! What several of the benchmarks use. The central type is [`MachineProcess`]: a machine in a process
//! of its own, which a benchmark boots, starts, measures and kills.

#![forbid(unsafe_code)]

mod cpu_time;
mod http;
mod machine_process;
mod run_delay;
mod saved_run;

pub use cpu_time::cpu_time;
pub use http::{Answer, HttpConnection};
pub use machine_process::MachineProcess;
pub use run_delay::{run_delay, run_delay_of_thread, stolen_time};
pub use saved_run::{
    MachineDescription, SavedCost, SavedProgram, SavedRun, SavedSystem, current_commit,
};
