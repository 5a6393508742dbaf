//go:build linux && !race

package hpt

import (
	"os"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/hashmmu/ppc64/pte"
)

// resident counts the bytes of the table that are in memory.
func resident(t *testing.T, table *Table) (n int) {
	base := unsafe.Pointer(unsafe.SliceData(table.slots))
	length := len(table.slots) * slotBytes
	pages := make([]byte, length/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(base), uintptr(length), uintptr(unsafe.Pointer(&pages[0])))
	if errno != 0 {
		t.Skip("mincore: ", errno)
	}
	for _, p := range pages {
		n += int(p&1) * os.Getpagesize()
	}
	return n
}

// TestResidentAsTouched: memory of a table is there once it is touched, in units
// of at most a huge page, and is given back by Close.
func TestResidentAsTouched(t *testing.T) {
	table, err := New(Config{Order: 26})
	require.NoError(t, err)
	require.Zero(t, uintptr(unsafe.Pointer(&table.slots[0]))%hugePage)
	require.Zero(t, resident(t, table))
	table.StoreRaw(0, pte.HPTE{V: pte.VValid})
	n := resident(t, table)
	require.Positive(t, n)
	require.LessOrEqual(t, n, hugePage)
	require.NoError(t, table.Close())
	require.Zero(t, resident(t, table))
	require.Zero(t, table.Load(0))
}

// TestAligned: tables of the size of a huge page and more are aligned to it.
func TestAligned(t *testing.T) {
	for order := 21; order <= 23; order++ {
		table, err := New(Config{Order: order})
		require.NoError(t, err)
		require.Zero(t, uintptr(unsafe.Pointer(&table.slots[0]))%hugePage, order)
		require.NoError(t, table.Close())
	}
}

// guarded returns n elements that end where no access is allowed.
func guarded[E any](t *testing.T, n int) []E {
	page := os.Getpagesize()
	bytes := n * int(unsafe.Sizeof(*new(E)))
	size := (bytes + page - 1) / page * page
	m, err := unix.Mmap(-1, 0, size+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(m)) })
	require.NoError(t, unix.Mprotect(m[size:], unix.PROT_NONE))
	return unsafe.Slice((*E)(unsafe.Pointer(&m[size-bytes])), n)
}

// TestBatchesStayInside: no batch reads or writes behind its last element, however many
// it fetches ahead, or behind the last group: the fault there would end the test.
func TestBatchesStayInside(t *testing.T) {
	const most = 3*chunk + 1
	keys, hashes, refs := guarded[pte.Key](t, most), guarded[pte.Hash](t, most), guarded[pte.Ref](t, most)
	entries, hints, found := guarded[pte.HPTE](t, most), guarded[pte.SlotHint](t, most), guarded[Found](t, most)
	for i := range keys {
		keys[i] = pte.Key{VSID: 0xfff - pte.VSID(i), Base: pte.Page4K} // the last groups
		hashes[i] = keys[i].Hash()
		entries[i] = pte.HPTE{V: keys[i].AVPN() | pte.VValid, R: uint64(i) << 12}
	}
	memory := guarded[byte](t, 1<<MinOrder)
	for _, c := range []Config{{}, {Memory: memory}, {Memory: memory, LockUnique: true}} {
		for _, code := range Codes() {
			c.Code = code
			table, err := New(c)
			require.NoError(t, err)
			for n := 1; n <= most; n++ {
				first := most - n
				for _, insert := range []func([]pte.Key, []pte.HPTE, []pte.SlotHint) int{table.InsertBatch, table.InsertUniqueBatch} {
					table.Prefetch(hashes[first:])
					require.Equal(t, n, insert(keys[first:], entries[first:], hints[first:]), "%v %d", code, n)
					require.Equal(t, n, table.LookupBatch(keys[first:], found[first:]))
					for i := first; i < most; i++ {
						refs[i] = pte.Ref{Key: keys[i], Actual: pte.Page4K, Hint: hints[i]}
					}
					require.Equal(t, n, table.InvalidateBatch(refs[first:]))
				}
			}
			require.NoError(t, table.Close())
		}
	}
}
