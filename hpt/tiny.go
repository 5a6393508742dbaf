package hpt

import (
	"fmt"
	"math/bits"
	"unsafe"

	"github.com/hashmmu/ppc64/internal/tiny"
	"github.com/hashmmu/ppc64/pte"
)

const minGroups = 1 << (MinOrder - 7)

func init() { tiny.New = newTiny }

// newTiny makes a table below the architected size for exploration. Everything
// that changes lies in one slice: slots, then tags, victim choice, stripes, locks
// and overflow bits.
func newTiny(c tiny.Config) tiny.Table {
	switch {
	case c.Groups < 2 || bits.OnesCount(uint(c.Groups)) != 1 || c.Groups >= minGroups:
		panic(fmt.Sprintf("hpt: a tiny table of %d groups", c.Groups))
	case c.Slots < 1 || c.Slots > pte.SlotsPerGroup:
		panic(fmt.Sprintf("hpt: a tiny table of %d slots per group", c.Slots))
	case c.Native && !nativeUsable():
		panic("hpt: no 16-byte steps in this build")
	}
	t := &Table{
		config:   Config{Sizes: defaultSizes, Seed: c.Seed, Code: CodeGo, LockUnique: c.LockUnique},
		mask:     uint64(c.Groups) - 1,
		perGroup: uint64(c.Slots),
		native:   c.Native,
	}
	slotBytes := c.Groups * c.Slots * slotBytes
	counters, overflow := t.counterWords(), 0
	if c.Overflow {
		overflow = int(overflowWords(uint64(c.Groups)))
	}
	m := alignedBytes(slotBytes + (counters+overflow)*8)
	state := unsafe.Slice((*uint64)(unsafe.Pointer(&m[0])), len(m)/8)
	t.setMemory(m[:slotBytes])
	t.setCounters(state[slotBytes/8:])
	if c.Overflow {
		t.overflow = state[slotBytes/8+counters:]
	}
	return tiny.Table{Store: t, State: state}
}

// placeTiny is place for a tiny table. Its group numbers hold too few bits of
// the hash to find the page, so the key tells entries apart by what they have:
// B and AVPN, and as page the primary group.
func (t *Table) placeTiny(p placed, group uint64) placed {
	base, actual, ok := t.config.Sizes.Decode(p.entry)
	if !ok {
		p.err = pte.ErrSize
		return p
	}
	if p.entry.Secondary() {
		group = ^group & t.mask
	}
	p.key = pte.Key{
		VSID: pte.VSID(p.entry.V >> 7), // B and AVPN
		Page: uint32(group),
		Base: base,
		Seg:  p.entry.Seg(),
	}
	p.actual = actual
	return p
}
