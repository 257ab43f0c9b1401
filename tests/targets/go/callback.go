// SPDX-License-Identifier: ISC

// Goroutines that are in C, and in functions that C has called, on their own threads and on one of C's; then as
// park.go.
package main

// #include <pthread.h>
// #include <unistd.h>
// extern void fromC(int);
// static void callBack(int depth) { fromC(depth); }
// static void stay(void) { pause(); }
// static void *run(void *arg) { fromC(0); return arg; }
// static int startThread(void) { pthread_t t; return pthread_create(&t, 0, run, 0); }
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

var never = make(chan int)

//export fromC
func fromC(depth C.int) {
	if depth == 0 {
		<-never
	} else if depth < 0 {
		C.stay()
	}
	C.callBack(depth - 1)
}

func main() {
	for depth := -1; depth < 3; depth++ {
		go C.callBack(C.int(depth))
		go C.stay()
	}
	go func() {
		runtime.LockOSThread()
		C.callBack(1)
	}()
	if C.startThread() != 0 {
		panic("no thread")
	}
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
}
