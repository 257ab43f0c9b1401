// SPDX-License-Identifier: ISC

// Goroutines that wait for what goroutines wait for, each in functions of its own; then it prints "ready" and
// waits for its standard input to end. park N has N more of them, at a channel; park N gc gc collects garbage
// twice: the second collection notes when the first one saw them waiting.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

var (
	never   = make(chan int)
	mutex   sync.Mutex
	group   sync.WaitGroup
	started sync.WaitGroup
)

//go:noinline
func parkReceive(depth int) int {
	if depth > 0 {
		return parkReceive(depth-1) + 1
	}
	started.Done()
	return <-never
}

//go:noinline
func parkSend(value int) {
	started.Done()
	other := make(chan int)
	other <- value
}

//go:noinline
func parkSelect() {
	other := make(chan int)
	started.Done()
	select {
	case <-other:
	case other <- 1:
	}
}

//go:noinline
func parkSleep() {
	started.Done()
	time.Sleep(24 * time.Hour)
}

//go:noinline
func parkMutex() {
	started.Done()
	mutex.Lock()
}

//go:noinline
func parkGroup() {
	started.Done()
	group.Wait()
}

// A frame as large as the stack that is read at once, and larger.
//
//go:noinline
func parkLarge(value byte) byte {
	var large [100000]byte
	for i := range large {
		large[i] = value
	}
	started.Done()
	<-never
	return large[value]
}

// In a function that was deferred, because of another that panics.
//
//go:noinline
func parkPanic(at *int) {
	defer func() {
		started.Done()
		<-never
	}()
	*at = 1
}

//go:noinline
func parkGeneric[T any](value T) T {
	started.Done()
	<-never
	return value
}

// In a system call: a pipe that is no file of the runtime's poller.
//
//go:noinline
func parkRead(file *os.File) {
	started.Done()
	var one [1]byte
	file.Read(one[:])
}

func main() {
	more := 0
	if len(os.Args) > 1 {
		more, _ = strconv.Atoi(os.Args[1])
	}
	mutex.Lock()
	group.Add(1)
	started.Add(10 + more)
	go parkReceive(5)
	go parkReceive(0)
	go parkSend(1)
	go parkSelect()
	go parkSleep()
	go parkMutex()
	go parkGroup()
	go parkLarge(7)
	go parkPanic(nil)
	go parkGeneric("")
	for i := 0; i < more; i++ {
		go parkReceive(i % 8)
	}
	started.Wait()
	reader, _, _ := os.Pipe()
	started.Add(1)
	// Fd() makes it one that blocks.
	reader.Fd()
	go parkRead(reader)
	started.Wait()
	time.Sleep(20 * time.Millisecond)
	for i := 2; i < len(os.Args); i++ {
		runtime.GC()
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
