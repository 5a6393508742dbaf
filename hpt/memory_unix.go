//go:build unix && !race

package hpt

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newMemory maps 1<<order bytes of zeros, resident only as touched.
func newMemory(order int) ([]byte, error) {
	m, err := unix.Mmap(-1, 0, 1<<order, unix.PROT_READ|unix.PROT_WRITE, mapFlags)
	if err != nil {
		return nil, err
	}
	preferHugePages(m)
	return m, nil
}

// own unmaps m once the table is unreachable. Operations keep the table
// reachable up to their last access.
func (t *Table) own(m []byte) {
	t.owned = true
	runtime.AddCleanup(t, func(m []byte) { _ = unix.Munmap(m) }, m)
}

// release gives the pages back by mapping fresh ones over them. The address
// range stays until the table is unreachable, so that a call in flight meets
// zeros, not a fault.
func (t *Table) release() error {
	base, length := unsafe.Pointer(unsafe.SliceData(t.slots)), uintptr(len(t.slots))*slotBytes
	_, err := unix.MmapPtr(-1, 0, base, length, unix.PROT_READ|unix.PROT_WRITE, mapFlags|unix.MAP_FIXED)
	runtime.KeepAlive(t)
	return err
}
