package papr_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/hashmmu/ppc64/hpt"
	"github.com/hashmmu/ppc64/hpt/papr"
	"github.com/hashmmu/ppc64/pte"
)

// A table in a caller's memory, and one that keeps format 3, answer as one of its
// own memory in format 2 does, and the first two are equal to the byte.
func TestMemoryAndFormatDoNotMatter(t *testing.T) {
	words := make([]uint64, (1<<18+128)/8)
	ram := unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)
	ram = ram[-uintptr(unsafe.Pointer(&words[0]))%128:][:1<<18]
	var tables [3]*hpt.Table
	for i, c := range []hpt.Config{{}, {Memory: ram}, {Format: hpt.Format3}} {
		var err error
		tables[i], err = hpt.New(c)
		require.NoError(t, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		quirks := papr.Quirks{}
		if rapid.Bool().Draw(t, "quirks") {
			quirks = papr.QEMU72
		}
		var p [3]*papr.HPT
		for i, tab := range tables {
			tab.Clear()
			var err error
			p[i], err = papr.New(papr.Config{Table: tab, Memory: papr.RAMBelow(1 << 40), Quirks: quirks})
			require.NoError(t, err)
		}
		for range rapid.IntRange(1, 40).Draw(t, "calls") {
			k, e := drawEntry(t)
			s := rapid.Uint64Range(0, 23).Draw(t, "slot")
			op := rapid.SampledFrom([]papr.Op{papr.OpEnter, papr.OpEnter, papr.OpRemove, papr.OpProtect, papr.OpRead,
				papr.OpClearRef, papr.OpBulkRemove}).Draw(t, "op")
			a := papr.Args{rapid.Uint64Range(0, 7).Draw(t, "flags"), s, k.AVPN()}
			switch op {
			case papr.OpEnter:
				a[2], a[3] = e.V, e.R
			case papr.OpBulkRemove:
				a = papr.Args{0x40<<56 | s, 0, 0xc0 << 56}
			}
			b, c := a, a
			code := p[0].Call(op, &a)
			require.Equal(t, code, p[1].Call(op, &b))
			require.Equal(t, code, p[2].Call(op, &c))
			require.Equal(t, a, b)
			require.Equal(t, a, c)
		}
		require.Equal(t, tables[0].Digest(), tables[1].Digest())
		for s := range pte.Slot(24) {
			require.Equal(t, tables[0].Load(s), tables[2].Load(s))
		}
	})
}
