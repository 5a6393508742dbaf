//go:build !linux

package main

import "errors"

func smallPages(int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmap([]byte) {}

// available is a guess at how much memory the machine has free.
func available() uint64 { return 1 << 30 }
