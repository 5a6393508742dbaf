//go:build unix && !race

package hpt

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the usual size of a huge page: tables from there on are aligned
// to it.
const hugePage = 2 << 20

// newMemory maps 1<<order bytes of zeros and the overflow bitmap, resident only
// as touched.
func newMemory(order int) (memory, error) {
	size, slack := ownBytes(order), 0
	if 1<<order >= hugePage {
		slack = hugePage
	}
	m, err := unix.Mmap(-1, 0, size+slack, unix.PROT_READ|unix.PROT_WRITE, mapFlags)
	if err != nil {
		return memory{}, err
	}
	b := m
	if slack != 0 {
		b = aligned(m, hugePage, size)
		preferHugePages(b[:1<<order])
	}
	table, overflow := divide(b, order)
	return memory{table, overflow, m}, nil
}

// own unmaps m once the table is unreachable. Operations keep the table
// reachable up to their last access.
func (t *Table) own(m memory) {
	t.owned = true
	runtime.AddCleanup(t, func(all []byte) { _ = unix.Munmap(all) }, m.all)
}

// release gives the pages back by mapping fresh ones over them. The address
// range stays until the table is unreachable, so that a call in flight meets
// zeros, not a fault.
func (t *Table) release() (err error) {
	base, length := unsafe.Pointer(unsafe.SliceData(t.slots)), uintptr(len(t.slots))*slotBytes
	t.alone(func() {
		_, err = unix.MmapPtr(-1, 0, base, length, unix.PROT_READ|unix.PROT_WRITE, mapFlags|unix.MAP_FIXED)
	})
	runtime.KeepAlive(t)
	return err
}
