//go:build !race

package hpt

import "golang.org/x/sys/unix"

// A table is far larger than what is touched of it, so it is not charged
// against the commit limit.
const mapFlags = unix.MAP_ANON | unix.MAP_PRIVATE | unix.MAP_NORESERVE

// preferHugePages asks for huge pages. It is a wish: a kernel
// without them says no, and the table works all the same.
func preferHugePages(m []byte) {
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE)
}
