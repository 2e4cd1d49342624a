// Go's answer to the rows of I/O: a goroutine for each connection, the standard library's net.
package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"time"
)

const (
	block       = 65536
	limit       = 30 * time.Second
	computeTime = 5 * time.Millisecond
	wakes       = 200
	cancels     = 2000
	copies      = 256
	copyBytes   = 1024 * 1024
	pauseTime   = time.Millisecond
)

func echo(connection net.Conn, deadline bool) {
	defer connection.Close()
	buffer := make([]byte, 4096)
	for {
		if deadline {
			connection.SetReadDeadline(time.Now().Add(limit))
		}
		size, err := connection.Read(buffer)
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func lines(connection net.Conn) {
	defer connection.Close()
	reader, writer := bufio.NewReader(connection), bufio.NewWriter(connection)
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return
		}
		writer.Write(line)
		if reader.Buffered() == 0 && writer.Flush() != nil {
			return
		}
	}
}

func sink(connection net.Conn) {
	defer connection.Close()
	buffer := make([]byte, block)
	taken := 0
	for {
		size, err := connection.Read(buffer)
		if err != nil {
			return
		}
		taken += size
		if blocks := taken / block; blocks > 0 {
			taken %= block
			if _, err = connection.Write(buffer[:blocks]); err != nil {
				return
			}
		}
	}
}

func compute() {
	for {
		for started := time.Now(); time.Since(started) < computeTime; {
		}
		runtime.Gosched()
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func listen() net.Listener {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	must(err)
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	return listener
}

func tlsFiles() (string, string) {
	folder := os.Getenv("BENCH_TLS")
	return folder + "/certificate.pem", folder + "/key.pem"
}

func listenTLS() net.Listener {
	pair, err := tls.LoadX509KeyPair(tlsFiles())
	must(err)
	return tls.NewListener(listen(), &tls.Config{Certificates: []tls.Certificate{pair}})
}

func serve(listener net.Listener, handle func(net.Conn)) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			continue
		}
		go handle(connection)
	}
}

func medianUs(values []int64) float64 {
	sort.Slice(values, func(a, b int) bool { return values[a] < values[b] })
	return float64(values[len(values)/2]) / 1e3
}

// From before the send to the first line after the receive, with a reader that waits in the poller.
func measureWake() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	base := time.Now()
	bell, woke := make(chan struct{}), make(chan int64)
	go func() {
		for range bell {
			woke <- int64(time.Since(base))
		}
	}()
	values := make([]int64, wakes)
	for i := range values {
		time.Sleep(pauseTime)
		rang := int64(time.Since(base))
		bell <- struct{}{}
		values[i] = <-woke - rang
	}
	close(bell)
	return medianUs(values)
}

// A goroutine reads, another one ends the read by a deadline that is over, as Go's contexts do.
func measureCancel() float64 {
	buffer := make([]byte, 64)
	ended := make(chan error)
	begin := make(chan struct{})
	go func() {
		for range begin {
			_, err := quiet.Read(buffer)
			ended <- err
		}
	}()
	started := time.Now()
	for i := 0; i < cancels; i++ {
		quiet.SetReadDeadline(time.Time{})
		begin <- struct{}{}
		runtime.Gosched()
		quiet.SetReadDeadline(time.Unix(1, 0))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			must(err)
		}
	}
	close(begin)
	return float64(time.Since(started).Nanoseconds()) / cancels
}

// A mebibyte of a file to a connection by each call; another process reads and drops it.
func measureCopy() float64 {
	if copyTo == nil {
		makeCopy()
	}
	started := cpuNs()
	for i := 0; i < copies; i++ {
		if i%16 == 0 {
			_, err := copyFrom.Seek(0, io.SeekStart)
			must(err)
		}
		_, err := io.CopyN(copyTo, copyFrom, copyBytes)
		must(err)
	}
	return float64(cpuNs()-started) / 1e3 / copies
}

var copyTo net.Conn
var copyFrom *os.File

func makeCopy() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	must(err)
	drain := exec.Command("/proc/self/exe", "drain", "1", listener.Addr().String())
	must(drain.Start())
	copyTo, err = listener.Accept()
	must(err)
	copyFrom, err = os.CreateTemp("", "bench_file_")
	must(err)
	must(os.Remove(copyFrom.Name()))
	_, err = copyFrom.Write(make([]byte, 16*copyBytes))
	must(err)
}

func drain(address string) {
	connection, err := net.Dial("tcp4", address)
	must(err)
	room := make([]byte, copyBytes)
	for err == nil {
		_, err = connection.Read(room)
	}
}

// The CPU time of the process.
func cpuNs() int64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// A connection on which nothing comes.
var quiet net.Conn

func makeQuiet() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	must(err)
	other, err := net.Dial("tcp4", listener.Addr().String())
	must(err)
	quiet, err = listener.Accept()
	must(err)
	runtime.KeepAlive(other)
	kept = other
}

var kept net.Conn

func answer(measure func() float64) {
	makeQuiet()
	fmt.Println("ready")
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		fmt.Printf("value %.3f\n", measure())
	}
}

func main() {
	if len(os.Args) < 4 {
		os.Exit(2)
	}
	workers, _ := strconv.Atoi(os.Args[2])
	runtime.GOMAXPROCS(workers)
	switch os.Args[1] {
	case "echo", "shared", "idle", "accept":
		serve(listen(), func(connection net.Conn) { echo(connection, false) })
	case "deadline":
		serve(listen(), func(connection net.Conn) { echo(connection, true) })
	case "lines":
		serve(listen(), lines)
	case "sink":
		serve(listen(), sink)
	case "mixed":
		go compute()
		serve(listen(), func(connection net.Conn) { echo(connection, false) })
	case "http":
		must(http.Serve(listen(), http.FileServer(http.Dir(os.Args[3]))))
	case "tls_echo":
		serve(listenTLS(), func(connection net.Conn) { echo(connection, false) })
	case "https":
		certificate, key := tlsFiles()
		must(http.ServeTLS(listen(), http.FileServer(http.Dir(os.Args[3])), certificate, key))
	case "wake":
		answer(func() float64 {
			go func() { io.ReadFull(quiet, make([]byte, 1)) }()
			value := measureWake()
			quiet.SetReadDeadline(time.Unix(1, 0))
			time.Sleep(time.Millisecond)
			quiet.SetReadDeadline(time.Time{})
			return value
		})
	case "cancel_read":
		answer(measureCancel)
	case "copy_file":
		answer(measureCopy)
	case "drain":
		drain(os.Args[3])
	default:
		fmt.Println("not offered")
	}
}
