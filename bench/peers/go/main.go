// Go's answer to each case: a struct by value for a value that is ready, a goroutine and a channel for
// one that comes later, a sleeping goroutine, a timer. One P, so that all runs on one thread at a time;
// the rows of the scheduler, with as many as asked for, are in workers.go.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	batches   = 25
	batchMin  = 2 * time.Millisecond
	liveCount = 100_000
)

type benchCase struct {
	bench   string
	run     func(count int64)
	prepare func()
	clean   func()
	count   int64 // steps a batch, found by the first measurement
	// What the rows of the scheduler need: longer batches, operations in a step (0: one), a case that measures
	// itself in place of run, one that is done once.
	long       bool
	operations int64
	timed      func(count int64) float64
	alone      bool
}

// What a value task would be in Go: the value, and a word that says whether it is there.
type answer struct {
	value int64
	state uint64
}

var sink int64

//go:noinline
func getAnswer(key int64) answer {
	return answer{key + 1, 0}
}

func readyAwait(count int64) {
	var sum int64
	for i := int64(0); i < count; i++ {
		sum += getAnswer(i).value
	}
	sink = sum
}

// A child that gives way once and then delivers its result to the parent that waits for it.
//
//go:noinline
func startChild(key int64) <-chan int64 {
	result := make(chan int64, 1)
	go func() {
		runtime.Gosched()
		result <- key + 1
	}()
	return result
}

func suspendResume(count int64) {
	var sum int64
	for i := int64(0); i < count; i++ {
		sum += <-startChild(i)
	}
	sink = sum
}

func takeTurns(count int64) {
	for i := int64(0); i < count; i++ {
		runtime.Gosched()
	}
}

func roundTrip(count int64) {
	done := make(chan struct{})
	go func() {
		takeTurns(count)
		close(done)
	}()
	takeTurns(count)
	<-done
}

func roundTripSource(count int64) {
	ping, pong := make(chan int64), make(chan int64)
	go func() {
		for value := range ping {
			pong <- value
		}
		close(pong)
	}()
	for i := int64(0); i < count; i++ {
		ping <- i
		<-pong
	}
	close(ping)
	<-pong
}

func nextDelay(state *uint32) time.Duration {
	x := *state
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	*state = x
	return time.Duration(10000+int64(x&0xffff)) * time.Millisecond
}

func insertCancel(count int64) {
	random := uint32(7)
	for i := int64(0); i < count; i++ {
		time.NewTimer(nextDelay(&random)).Stop()
	}
}

var live []*time.Timer

func livePrepare() {
	random := uint32(1)
	live = make([]*time.Timer, liveCount)
	for i := range live {
		live[i] = time.NewTimer(nextDelay(&random))
	}
}

func liveClean() {
	for _, timer := range live {
		timer.Stop()
	}
	live = nil
}

// What counts, and what went by on the clock.
func (c *benchCase) batchNs() (value, elapsed float64) {
	started := time.Now()
	if c.timed != nil {
		value = c.timed(c.count)
	} else {
		c.run(c.count)
	}
	elapsed = float64(time.Since(started).Nanoseconds())
	if c.timed == nil {
		value = elapsed
	}
	return value, elapsed
}

// Finds how many steps a batch takes; once that is known, it only warms up.
func (c *benchCase) calibrate() {
	least := float64(batchMin)
	if c.long {
		least = float64(workersBatch)
	}
	aim := least * 1.25
	if c.count == 0 {
		c.count = 1
	}
	for !c.alone {
		_, elapsed := c.batchNs()
		if elapsed >= least {
			return
		}
		if elapsed < aim/16 {
			c.count *= 8
		} else {
			c.count = int64(float64(c.count)*aim/elapsed) + 1
		}
	}
}

func (c *benchCase) enough(done int, started time.Time) bool {
	if c.alone || done >= batches {
		return done > 0
	}
	return c.long && done >= workersLeast && time.Since(started) >= workersSpent
}

// Time an operation in each batch, and objects and bytes an operation by the runtime's own counters,
// read outside of the timed batches.
func (c *benchCase) measure() (ns []float64, objects, bytes float64) {
	if c.prepare != nil {
		c.prepare()
		defer c.clean()
	}
	c.calibrate()
	operations := float64(c.count)
	if c.operations > 0 {
		operations *= float64(c.operations)
	}
	var before, after runtime.MemStats
	ns = make([]float64, 0, batches)
	runtime.ReadMemStats(&before)
	for started := time.Now(); !c.enough(len(ns), started); {
		value, _ := c.batchNs()
		ns = append(ns, value/operations)
	}
	runtime.ReadMemStats(&after)
	total := operations * float64(len(ns))
	return ns, float64(after.Mallocs-before.Mallocs) / total,
		float64(after.TotalAlloc-before.TotalAlloc) / total
}

func cpuNs() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func peakBytes() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kib); err == nil {
			return kib * 1024
		}
	}
	return 0
}

// All are asleep when each has come to its last line before time.Sleep and given the processor back.
func sleepers(count int64, sleep time.Duration) {
	var asleep, awake int64
	done := make(chan struct{})
	started := time.Now()
	for i := int64(0); i < count; i++ {
		go func() {
			atomic.AddInt64(&asleep, 1)
			time.Sleep(sleep)
			if atomic.AddInt64(&awake, 1) == count {
				close(done)
			}
		}()
	}
	for atomic.LoadInt64(&asleep) < count {
		runtime.Gosched()
	}
	create := time.Since(started)
	early := 0
	if atomic.LoadInt64(&awake) > 0 {
		early = 1
	}
	cpu := cpuNs()
	<-done
	fire := cpuNs() - cpu
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Printf("{\"bench\":\"sleepers\",\"who\":\"go\",\"early\":%d,\"peak_bytes\":%d,"+
		"\"create_ns\":%d,\"fire_ns\":%d,\"total_allocs\":%d,\"total_bytes\":%d}\n.\n",
		early, peakBytes(), create.Nanoseconds(), fire, stats.Mallocs, stats.TotalAlloc)
}

func joined(numbers []float64) string {
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.FormatFloat(number, 'f', 4, 64)
	}
	return strings.Join(texts, ",")
}

func answerLine(cases []*benchCase, words []string) {
	if len(words) == 1 && words[0] == "list" {
		for _, c := range cases {
			fmt.Println(c.bench, "go")
		}
		if workers() == 0 {
			fmt.Println("sleepers go")
		}
		fmt.Println(".")
		return
	}
	if len(words) == 2 && words[0] == "scale" {
		answerScale(cases, words[1])
		return
	}
	if len(words) == 2 && words[0] == "run" {
		for _, c := range cases {
			if c.bench != words[1] {
				continue
			}
			ns, objects, bytes := c.measure()
			fmt.Printf("{\"bench\":\"%s\",\"who\":\"go\",\"batches\":[%s]", c.bench, joined(ns))
			if c.timed == nil {
				fmt.Printf(",\"allocs\":%.3f,\"bytes\":%.1f", objects, bytes)
			}
			fmt.Print("}\n.\n")
			return
		}
		fmt.Println("skip", words[1], "not offered")
		return
	}
	fmt.Println("skip - unknown command")
}

func main() {
	runtime.GOMAXPROCS(1)
	if workers() > 0 {
		runtime.GOMAXPROCS(workers())
	}
	if len(os.Args) > 1 {
		if len(os.Args) == 6 && os.Args[1] == "once" && os.Args[2] == "sleepers" && os.Args[3] == "go" {
			count, countErr := strconv.ParseInt(os.Args[4], 10, 64)
			ms, msErr := strconv.ParseInt(os.Args[5], 10, 64)
			if countErr == nil && msErr == nil && count > 0 {
				sleepers(count, time.Duration(ms)*time.Millisecond)
				return
			}
		}
		fmt.Fprintln(os.Stderr, "usage: go once sleepers go <count> <ms>")
		os.Exit(2)
	}
	cases := []*benchCase{
		{bench: "ready_await", run: readyAwait},
		{bench: "suspend_resume", run: suspendResume},
		{bench: "round_trip", run: roundTrip},
		{bench: "round_trip_source", run: roundTripSource},
		{bench: "timers", run: insertCancel},
		{bench: "timers_100k", run: insertCancel, prepare: livePrepare, clean: liveClean},
	}
	if workers() > 0 {
		cases = workerCases(workers())
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		answerLine(cases, strings.Fields(input.Text()))
	}
}
