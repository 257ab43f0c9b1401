// SPDX-License-Identifier: ISC

// Goroutines that run, call, and hand things to each other all the time.
package main

import "fmt"

var sink [][]byte

//go:noinline
func descend(depth int, work chan int) int {
	if depth > 0 {
		return descend(depth-1, work) + 1
	}
	return <-work
}

func take(work, done chan int) {
	for depth := 0; ; depth = (depth + 7) % 40 {
		done <- descend(depth, work)
	}
}

func allocate() {
	for i := 0; ; i = (i + 1) % 64 {
		if len(sink) < 64 {
			sink = append(sink, nil)
			continue
		}
		sink[i] = make([]byte, 1000)
	}
}

func main() {
	work, done := make(chan int), make(chan int)
	for i := 0; i < 4; i++ {
		go take(work, done)
	}
	go allocate()
	fmt.Println("ready")
	for i := 0; ; i++ {
		select {
		case work <- i:
		case <-done:
		}
	}
}
