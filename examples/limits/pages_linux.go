package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// smallPages maps n bytes that never become huge pages, aligned to 2 MiB as those
// of a table are.
func smallPages(n int) ([]byte, error) {
	const align = 2 << 20
	m, err := unix.Mmap(-1, 0, n+align, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	off := -uintptr(unsafe.Pointer(unsafe.SliceData(m))) % align
	m = m[off:][:n:n]
	return m, unix.Madvise(m, unix.MADV_NOHUGEPAGE)
}

// unmap gives back what smallPages mapped. The alignment's slack stays until the
// program ends.
func unmap(m []byte) {
	base := unsafe.Pointer(unsafe.SliceData(m))
	_ = unix.MunmapPtr(base, uintptr(len(m))) // there is nothing to be done about it
}

// available is how many bytes of memory the machine has free.
func available() uint64 {
	var s unix.Sysinfo_t
	if unix.Sysinfo(&s) != nil {
		return 1 << 30
	}
	return uint64(s.Freeram) * uint64(s.Unit)
}
