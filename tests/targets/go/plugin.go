// SPDX-License-Identifier: ISC

// Beside memstats.go: makes it a program that has loaded loaded.go, which holds memory.
package main

import "plugin"

func init() {
	loaded, err := plugin.Open("./loaded.so")
	if err != nil {
		panic(err)
	}
	hold, err := loaded.Lookup("Hold")
	if err != nil {
		panic(err)
	}
	hold.(func(int))(1000)
}
