// SPDX-License-Identifier: ISC

// Lives for so many milliseconds, and then ends, becomes another program, or makes itself not dumpable (-) and
// lives as long once more.
//
//	exec MILLISECONDS [PROGRAM ARGUMENT... | -]
package main

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

var held []byte

func main() {
	ms, _ := strconv.Atoi(os.Args[1])
	held = make([]byte, 8<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	if len(os.Args) > 2 && os.Args[2] == "-" {
		syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0)
		time.Sleep(time.Duration(ms) * time.Millisecond)
	} else if len(os.Args) > 2 {
		syscall.Exec(os.Args[2], os.Args[2:], os.Environ())
		os.Exit(1)
	}
}
