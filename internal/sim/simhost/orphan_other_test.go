//go:build !linux

package simhost_test

func host(string) int { return 1 }
