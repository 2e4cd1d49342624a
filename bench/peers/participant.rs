//! What the participants written in Rust share: the protocol of README.md and the stop-watch for
//! the rows of the scheduler. The build copies this file beside their main.rs.
#![allow(dead_code)]

use std::arch::asm;
use std::ffi::c_void;
use std::io::{BufRead, Write};
use std::os::raw::c_char;
use std::time::{Duration, Instant};

const BATCHES: usize = 25;
const BATCHES_MIN: usize = 3;
const BATCH_MIN_NS: f64 = 20e6;
const BATCH_AIM_NS: f64 = 25e6;
const SPENT: Duration = Duration::from_millis(300);
const COUNTED: u64 = 2000;

/// The same work in every language; participant.h has the words to it.
pub const FIB: u64 = 27;
pub const FIB_RESULT: u64 = 196_418;
pub const FIB_CALLS: u64 = 635_621;
pub const FIB_LOAD: u64 = 20;
pub const SKYNET_LEAVES: u64 = 1_000_000;
pub const SKYNET_TASKS: u64 = 1_111_111;
pub const INJECTED: u64 = 10_000;
pub const PAUSE: Duration = Duration::from_millis(1);
pub const LOAD: Duration = Duration::from_secs(1);
pub const IDLE: Duration = Duration::from_secs(1);
pub const STAGE_NS: f64 = 1e6;
pub const STAGE_ITEMS: u64 = 50;
pub const STAGE_RUNS: u64 = 5;
pub const HIDDEN_CHAIN: u64 = 2000;
pub const HIDDEN_NS: f64 = 2e6;
pub const HIDDEN_RUNS: u64 = 51;
pub const LEAF_SHORT_NS: f64 = 1e6;
pub const LEAF_NS: f64 = 5e6;
pub const LEAF_RUNS: u64 = 15;

pub enum Run {
    /// Does so many steps.
    Steps(Box<dyn Fn(u64)>),
    /// The same for a skynet of so many leaves.
    Scale(Box<dyn Fn(u64, u64)>),
    /// Returns what the steps took, without the pauses between.
    Timed(Box<dyn Fn(u64) -> f64>),
    /// Done once, alone, in the row's unit.
    Alone(Box<dyn Fn() -> f64>),
}

pub struct Case {
    pub bench: String,
    pub operations: u64,
    pub run: Run,
    count: u64,
}

impl Case {
    pub fn new(bench: &str, operations: u64, run: Run) -> Case {
        Case {
            bench: bench.to_string(),
            operations,
            run,
            count: 1,
        }
    }

    /// The row's name ends in the number of workers: `skynet_2`.
    pub fn by_workers(bench: &str, operations: u64, run: Run) -> Case {
        Case::new(&format!("{}_{}", bench, workers()), operations, run)
    }

    /// What counts, and what went by on the clock.
    fn batch_ns(&self, leaves: u64) -> (f64, f64) {
        let started = Instant::now();
        let mut value = None;
        match &self.run {
            Run::Steps(run) => run(self.count),
            Run::Scale(run) => run(self.count, leaves),
            Run::Timed(run) => value = Some(run(self.count)),
            Run::Alone(run) => value = Some(run()),
        }
        let elapsed = started.elapsed().as_nanos() as f64;
        (value.unwrap_or(elapsed), elapsed)
    }

    /// Finds how many steps a batch takes; once that is known, it only warms up.
    fn calibrate(&mut self, leaves: u64) {
        loop {
            let (_, elapsed) = self.batch_ns(leaves);
            if elapsed >= BATCH_MIN_NS {
                return;
            }
            if elapsed < BATCH_AIM_NS / 16.0 {
                self.count *= 8;
            } else {
                self.count = (self.count as f64 * BATCH_AIM_NS / elapsed) as u64 + 1;
            }
        }
    }

    fn measure(&mut self, leaves: u64) -> Vec<f64> {
        if let Run::Alone(run) = &self.run {
            return vec![run()];
        }
        self.calibrate(leaves);
        let operations = (self.count * self.operations) as f64;
        let started = Instant::now();
        let mut batches = Vec::with_capacity(BATCHES);
        while batches.len() < BATCHES && (batches.len() < BATCHES_MIN || started.elapsed() < SPENT)
        {
            batches.push(self.batch_ns(leaves).0 / operations);
        }
        batches
    }

    /// Allocations and bytes an operation: a run of 2n steps less a run of n.
    fn count_allocations(&self) -> Option<(f64, f64)> {
        let run = match &self.run {
            Run::Steps(run) => run,
            _ => return None,
        };
        let steps = COUNTED / self.operations + 1;
        let mut seen = Vec::new();
        for count in [2 * steps, steps, 2 * steps] {
            run(count);
            seen.push(allocations()?);
        }
        let per = |a: u64, b: u64, c: u64| {
            ((c - b) as f64 - (b - a) as f64) / (steps * self.operations) as f64
        };
        Some((
            per(seen[0].0, seen[1].0, seen[2].0),
            per(seen[0].1, seen[1].1, seen[2].1),
        ))
    }
}

/// How many workers this process shall have; 0: all on one thread.
pub fn workers() -> usize {
    std::env::var("BENCH_WORKERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The compiler may not look through the value; the same guard as the C participants have.
#[inline(always)]
pub fn opaque(mut value: u64) -> u64 {
    unsafe { asm!("/* {0} */", inout(reg) value, options(nostack)) };
    value
}

/// Lets `opaque` keep a sum alive.
pub fn sink(value: u64) {
    opaque(value);
}

#[inline(never)]
pub fn trivial(key: u64) -> u64 {
    opaque(key) + 1
}

/// Computes; the words to it are in compute.h.
#[inline(never)]
pub fn compute(steps: u64) {
    let mut x = opaque(steps);
    for _ in 0..steps {
        x = x
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
    }
    sink(x);
}

/// How many steps take so long on a CPU that does nothing else.
pub fn compute_steps(wanted_ns: f64) -> u64 {
    const PIECE: u64 = 400_000;
    let mut least = f64::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        compute(PIECE);
        least = least.min(started.elapsed().as_nanos() as f64);
    }
    (wanted_ns * PIECE as f64 / least) as u64
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(|a, b| a.total_cmp(b));
    values[values.len() / 2]
}

pub fn spin(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {}
}

extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// The counter that the harness preloads for the counting pass.
pub fn allocations() -> Option<(u64, u64)> {
    let symbol = unsafe {
        dlsym(
            std::ptr::null_mut(),
            b"bench_allocations_read\0".as_ptr() as *const c_char,
        )
    };
    if symbol.is_null() {
        return None;
    }
    let read: extern "C" fn(*mut u64, *mut u64) = unsafe { std::mem::transmute(symbol) };
    let (mut count, mut bytes) = (0, 0);
    read(&mut count, &mut bytes);
    Some((count, bytes))
}

pub fn cpu_ns() -> u64 {
    #[repr(C)]
    struct Timespec {
        seconds: i64,
        nanoseconds: i64,
    }
    extern "C" {
        fn clock_gettime(clock: i32, out: *mut Timespec) -> i32;
    }
    const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
    let mut now = Timespec {
        seconds: 0,
        nanoseconds: 0,
    };
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut now) };
    now.seconds as u64 * 1_000_000_000 + now.nanoseconds as u64
}

/// idle_cpu: microseconds of CPU time of the process while this thread sleeps for a second.
pub fn idle_cpu_us() -> f64 {
    let before = cpu_ns();
    std::thread::sleep(IDLE);
    (cpu_ns() - before) as f64 / 1e3
}

fn answer_line(who: &str, cases: &mut [Case], line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    if words == ["list"] {
        for case in cases {
            println!("{} {}", case.bench, who);
        }
        println!(".");
        return;
    }
    if words.len() != 2 || !["run", "count", "scale"].contains(&words[0]) {
        println!("skip - unknown command");
        return;
    }
    let leaves = words[1].parse().unwrap_or(0);
    let bench = if words[0] == "scale" {
        "scale"
    } else {
        words[1]
    };
    let case = match cases.iter_mut().find(|case| case.bench == bench) {
        Some(case) => case,
        None => {
            println!("skip {} not offered", words[1]);
            return;
        }
    };
    if words[0] == "count" {
        if let Some((allocs, bytes)) = case.count_allocations() {
            println!(
                "{{\"bench\":\"{}\",\"who\":\"{}\",\"allocs\":{:.3},\"bytes\":{:.1}}}",
                case.bench, who, allocs, bytes
            );
        }
    } else {
        if bench == "scale" {
            case.count = 1;
        }
        let batches: Vec<String> = case
            .measure(leaves)
            .iter()
            .map(|one| format!("{one:.4}"))
            .collect();
        println!(
            "{{\"bench\":\"{}\",\"who\":\"{}\",\"batches\":[{}]}}",
            case.bench,
            who,
            batches.join(",")
        );
    }
    println!(".");
}

/// Answers the harness until its end of the pipe closes.
pub fn participant(who: &str, mut cases: Vec<Case>) {
    let input = std::io::stdin();
    for line in input.lock().lines() {
        answer_line(who, &mut cases, &line.unwrap_or_default());
        std::io::stdout().flush().unwrap();
    }
}
