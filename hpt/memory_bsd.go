//go:build unix && !linux && !race

package hpt

import "golang.org/x/sys/unix"

const mapFlags = unix.MAP_ANON | unix.MAP_PRIVATE

func preferHugePages([]byte) {}
