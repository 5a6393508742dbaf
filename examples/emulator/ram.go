package main

import "sync/atomic"

// ram is the guest's real memory: big-endian doublewords, shared by the vCPUs.
// An access of up to eight bytes, aligned to its size, is one atomic operation.
type ram []atomic.Uint64

// holds reports whether size bytes from ra on, aligned, exist.
func (m ram) holds(ra uint64, size uint) bool {
	return ra&uint64(size-1) == 0 && ra/8 < uint64(len(m))
}

// field returns the place of size bytes at ra within their doubleword.
func field(ra uint64, size uint) (shift uint, mask uint64) {
	return 64 - 8*size - 8*uint(ra&7), ^uint64(0) >> (64 - 8*size)
}

func (m ram) load(ra uint64, size uint) uint64 {
	shift, mask := field(ra, size)
	return m[ra/8].Load() >> shift & mask
}

func (m ram) store(ra uint64, size uint, v uint64) {
	shift, mask := field(ra, size)
	for w := &m[ra/8]; ; {
		old := w.Load()
		if w.CompareAndSwap(old, old&^(mask<<shift)|v&mask<<shift) {
			return
		}
	}
}

// write copies an image into memory from address 0 on.
func (m ram) write(image []byte) {
	for i, b := range image {
		m.store(uint64(i), 1, uint64(b))
	}
}
