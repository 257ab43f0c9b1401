//go:build !cgo
package main

func fromC() {}
