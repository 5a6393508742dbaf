package main

import (
	"sync/atomic"
	"unsafe"

	"github.com/hashmmu/ppc64/internal/measure"
	"github.com/hashmmu/ppc64/pte"
)

// The floors: what has to be done to the memory of a table whatever the program.
// They find the group as the library does, by the hash of a key, and then only
// load, or compare and swap, without looking at what they find.

// zero is added where one step has to wait for the one before.
var zero uint64

// floor is a table's memory to a floor, and the numbers of pages by which it
// finds groups: the virtual page numbers of keys.
type floor struct {
	base unsafe.Pointer
	mask uint64
}

// floorOf is the memory of a world.
func floorOf(w *measure.World) floor {
	return floor{unsafe.Pointer(unsafe.SliceData(w.Memory)), w.Table.Mask()}
}

// vpns are virtual page numbers of 4K pages in 256M segments: 40 bits of VSID,
// 16 of page.
func vpns(keys []pte.Key) []uint64 {
	v := make([]uint64, len(keys))
	for i, k := range keys {
		v[i] = uint64(k.VPN())
	}
	return v
}

// group is the address of the primary group of a page.
func (f floor) group(vpn uint64) unsafe.Pointer {
	return unsafe.Add(f.base, (vpn>>16^vpn&0xffff)&f.mask*128)
}

// touch loads from both cache lines of each group.
func (f floor) touch(vpns []uint64) {
	sum := uint64(0)
	for _, v := range vpns {
		p := f.group(v)
		sum += *(*uint64)(p) + *(*uint64)(unsafe.Add(p, 64))
	}
	measure.Sink += sum
}

// touchLong is touch with about a hundred instructions of arithmetic to each group,
// as many as a lookup has. They wait for no load. But a processor has room for two or three
// hundred instructions in flight, so that fewer loads overlap: it is the floor of
// a program of that length.
func (f floor) touchLong(vpns []uint64) {
	sum, a, b, c, d := zero, zero, zero, zero, zero
	for _, v := range vpns {
		p := f.group(v)
		sum += *(*uint64)(p) + *(*uint64)(unsafe.Add(p, 64))
		for range 16 {
			a += b
			b ^= c
			c += d
			d ^= a
		}
	}
	measure.Sink += sum + a + b + c + d
}

// touchDependent is touch, but the next group is not known before both lines of
// this one have come.
func (f floor) touchDependent(vpns []uint64) {
	sum, z := uint64(0), zero
	for i := 0; i < len(vpns); {
		p := f.group(vpns[i])
		x := *(*uint64)(p) + *(*uint64)(unsafe.Add(p, 64))
		sum += x
		i += 1 + int(x&z)
	}
	measure.Sink += sum
}

// swap compares and swaps the first word of each group: with zero, for zero, so
// that nothing ever changes.
func (f floor) swap(vpns []uint64) {
	for _, v := range vpns {
		atomic.CompareAndSwapUint64((*uint64)(f.group(v)), 0, 0)
	}
}

// swapSlots is swap on given slots.
func (f floor) swapSlots(slots []pte.Slot) {
	for _, s := range slots {
		atomic.CompareAndSwapUint64((*uint64)(unsafe.Add(f.base, uint64(s)*16)), 0, 0)
	}
}

// loadL1 loads from a few cache lines, each address depending on the load before.
func loadL1(lines *[64]uint64, n int) {
	x := uint64(0)
	for range n {
		x = lines[x&63]
	}
	measure.Sink += x
}
